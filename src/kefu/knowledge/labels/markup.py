"""Rasa's nlu.yml and CoNLL files as xSID has them: examples below the name of their intent."""

import re
from collections.abc import Iterator
from typing import Any

from kefu.contracts.dataset import BadRow
from kefu.kit.errors import BadInput
from kefu.knowledge.labels.record import Parsed, Record

# [Berlin](city) and [Berlin]{"entity": "city", "role": "from"}: the words stay, the markup goes.
_ENTITY = re.compile(r"\[([^\[\]]+)\](?:\([^()]*\)|\{[^{}]*\})")
_COMMENT = re.compile(r"#\s*([\w-]+)\s*=\s*(.*)")
# Rasa's training data has four levels.
_DEEPEST = 50
_ROLES = {"text": "text", "label": "intent"}


def parse_rasa(text: str) -> Parsed:
    """The examples of every intent; synonyms, regular expressions and lookup tables are not examples.

    Raises BadInput for what is not YAML or has no `nlu` list.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_depth(text, loader)
        # Nodes, not values: they know their lines, and nothing is built that an alias could blow up.
        root = yaml.compose(text, Loader=loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise BadInput(
            f"The file is not YAML: {getattr(error, 'problem', None) or 'it is nested too deep'}{where}."
        ) from None
    entries = _child(root, "nlu")
    if not isinstance(entries, yaml.SequenceNode):
        raise BadInput("The YAML has no list named nlu: expected Rasa's training data, nlu: - intent: … examples: | …")
    parsed = Parsed("rasa nlu.yml", ("text", "intent"), roles=_ROLES)
    for entry in entries.value:
        intent = _child(entry, "intent")
        if isinstance(intent, yaml.ScalarNode):
            _add_intent(parsed, intent, _child(entry, "examples"))
    return parsed


def _refuse_depth(text: str, loader: Any) -> None:
    """The C loader descends without watching its stack: brackets by the ten thousand would end the process."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise BadInput(f"The YAML is nested deeper than {_DEEPEST} levels: this is not Rasa's training data.")


def _add_intent(parsed: Parsed, intent: Any, examples: Any) -> None:
    import yaml

    row = intent.start_mark.line + 1
    if examples is None:
        parsed.bad.append(BadRow(row, "examples", f"intent {intent.value} has no examples", "add them below it"))
        return
    rows = _list_items(examples) if isinstance(examples, yaml.SequenceNode) else _block_items(examples, parsed)
    for line, example in rows:
        parsed.records.append(Record(line, {"text": _ENTITY.sub(r"\1", example), "intent": intent.value}))


def _list_items(examples: Any) -> Iterator[tuple[int, str]]:
    """Examples as a YAML list: of texts, or of objects with a `text`."""
    for item in examples.value:
        node = _child(item, "text") if _child(item, "text") is not None else item
        if isinstance(node.value, str):
            yield node.start_mark.line + 1, node.value.strip()


def _block_items(examples: Any, parsed: Parsed) -> Iterator[tuple[int, str]]:
    """Examples as a block of `- …` lines, which starts on the line below its `|`."""
    block = isinstance(examples.value, str) and examples.style in ("|", ">")
    for number, line in enumerate(str(examples.value).split("\n"), start=1):
        row = examples.start_mark.line + 1 + (number if block else 0)
        if line.strip().startswith("-"):
            yield row, line.strip()[1:].strip()
        elif line.strip() and not line.strip().startswith("#"):
            parsed.bad.append(BadRow(row, "examples", "an example without its dash", "begin the line with '- '"))


def _child(node: Any, name: str) -> Any:
    """The value below a name in a mapping node, or None."""
    pairs = node.value if getattr(node, "id", "") == "mapping" else []
    return next((value for key, value in pairs if key.value == name), None)


def parse_conll(text: str) -> Parsed:
    """Blocks with `# text = …` and `# intent = …` comments, or the words of the second column."""
    parsed = Parsed("conll xsid", ("text", "intent"), roles=_ROLES)
    lines = text.split("\n")
    begun: int | None = None
    for number in range(1, len(lines) + 2):
        blank = number > len(lines) or not lines[number - 1].strip()
        if blank and begun is not None:
            parsed.records.append(_block(begun, lines[begun - 1 : number - 1]))
            begun = None
        elif not blank and begun is None:
            begun = number
    return parsed


def _block(begun: int, lines: list[str]) -> Record:
    cells: dict[str, str | None] = {"text": None, "intent": None}
    words: list[str] = []
    row = begun
    for number, line in enumerate(lines):
        comment = _COMMENT.match(line)
        if comment and comment[1] in cells:
            cells[comment[1]] = comment[2].strip()
            row = begun + number if comment[1] == "text" else row
        elif not line.startswith("#"):
            words += line.rstrip("\r").split("\t")[1:2]
    if cells["text"] is None and words:
        cells["text"] = " ".join(words)
    return Record(row, cells)
