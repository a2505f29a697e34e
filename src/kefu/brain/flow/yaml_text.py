"""YAML to nodes that know their line: bounded in size and depth, without aliases and tags, so that nothing explodes."""

from typing import TYPE_CHECKING, Any

from kefu.contracts.flow_state import Problem

if TYPE_CHECKING:
    import yaml

# The longest ABCD guideline is 4 kB of YAML; a flow of this size is several.
LARGEST = 256 * 1024
_DEEPEST = 40


# What libyaml says of a mistake, and what people would say of it.
WHY = {
    "did not find expected key": "a line is not indented like those beside it",
    "did not find expected '-' indicator": "the items of a list are not indented alike",
    "did not find expected ',' or '}'": "a { is not closed, or a comma or a quote is missing in it",
    "did not find expected ',' or ']'": "a [ is not closed, or a comma or a quote is missing in it",
    "mapping values are not allowed in this context": "a : stands where no value can begin",
    "found unexpected ':'": "a : stands where no value can begin",
    "could not find expected ':'": "a key has no : after it",
    "did not find expected node content": "a value is missing or closed too early",
    "found character that cannot start any token": "a value begins with a tab, @, % or `",
    "found a tab character that violates indentation": "a line is indented by a tab instead of blanks",
    "did not find expected alphabetic or numeric character": "a value begins with & or *",
    "found undefined alias": "a value begins with & or *",
    "did not find expected comment or line break": "something follows | or > on its line",
    "found unexpected end of stream": "a quote is not closed",
    "found unknown escape character": "a \\ in double quotes stands before a letter that means nothing there",
    "block sequence entries are not allowed in this context": "a - stands where no list can begin",
}


def compose(text: str) -> "tuple[yaml.Node | None, Problem | None]":
    """The document's root node, or what is wrong with it."""
    import yaml

    if len(text.encode("utf-8", "replace")) > LARGEST:
        said = f"The file is larger than {LARGEST // 1024} kB."
        return None, Problem("too_large", said, "Make several flows of it.", 1, 1)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    root: yaml.Node | None = None
    try:
        problem = _refused(yaml.parse(text, Loader=loader))
        if problem is None:
            root = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        said = str(error.problem or error.context or "it cannot be read")
        problem = _no_yaml(WHY.get(said, said), line, column)
    except yaml.YAMLError as error:
        problem = _no_yaml(str(error).splitlines()[0])
    except (RecursionError, ValueError):  # ValueError: characters that are no Unicode
        problem = _no_yaml("it cannot be read")
    if root is None and problem is None:
        problem = Problem("empty", "The file is empty.", "Begin with: schema: kefu.flow/v1", 1, 1)
    return root, problem


def _no_yaml(why: str, line: int = 1, column: int = 1) -> Problem:
    fix = "Check the indentation, and put texts that hold ': ' or begin with { [ * & ! % @ in quotes."
    return Problem("yaml", f"This is not YAML: {why}.", fix, line, column)


def _refused(events: Any) -> Problem | None:
    """The first event that no flow needs: an alias, a tag, a second document, nesting without end."""
    import yaml

    depth = documents = 0
    for event in events:
        found: tuple[str, str, str] | None = None
        if isinstance(event, yaml.AliasEvent):
            found = "alias", f"*{event.anchor} repeats another part.", "Write the part out."
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                found = "documents", "A file holds one flow.", "Put the next flow into its own file."
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                found = "too_deep", f"It is nested more than {_DEEPEST} deep.", "Use goto or call_flow."
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        tag = getattr(event, "tag", None)
        if tag is not None and tag != "!":
            found = "tag", f"The tag {tag} is not used in flows.", "Leave it out."
        if found is not None:
            return Problem(*found, event.start_mark.line + 1, event.start_mark.column + 1)
    return None
