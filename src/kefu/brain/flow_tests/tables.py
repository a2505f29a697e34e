"""YAML whose tables know their lines, so that what is wrong can be found."""

from typing import Any

import yaml

from kefu.kit.errors import BadInput

_MOST_CHARACTERS = 400_000  # a suite of hundreds of conversations
_DEEPEST = 20


class BadTests(BadInput):
    """A file of tests that cannot be used; names the line and what mends it."""

    code = "bad_tests"


class Table(dict[str, Any]):
    """A mapping; `line` is where it begins, `lines` where each value does."""

    line = 0
    lines: dict[str, int]


def read_table(text: str, name: str) -> Table:
    """Raises BadTests for what is not a YAML mapping, has an alias, a name twice, or is too long or deep."""
    if len(text) > _MOST_CHARACTERS:
        raise BadTests(f"{name} has more than {_MOST_CHARACTERS:,} characters; split it.", name=name)
    try:
        _refuse_aliases(text, name)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        value = _value(root, name, 0) if root is not None else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise BadTests(f"{name}{where}: not YAML: {getattr(error, 'problem', None) or error}.", name=name) from None
    except (RecursionError, ValueError) as error:
        raise BadTests(f"{name}: not YAML that can be read: {error}.", name=name) from None
    if not isinstance(value, Table):
        raise BadTests(f"{name}: expected `schema: kefu.flow-test/v1` and `tests:`.", name=name)
    return value


def plain(value: Any) -> Any:
    """A value as JSON has it, its lines forgotten."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def _refuse_aliases(text: str, name: str) -> None:
    """Aliases let a short file grow without bound, and deep brackets end the process."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            raise BadTests(f"{name}, line {line}: aliases (*name) are not read; write it out.", name=name, line=line)
        if depth > _DEEPEST:
            raise BadTests(f"{name}, line {line}: nested deeper than {_DEEPEST} levels.", name=name, line=line)


def _value(node: Any, name: str, depth: int) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, name, depth)
    if isinstance(node, yaml.SequenceNode):
        return [_value(each, name, depth + 1) for each in node.value]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, name: str, depth: int) -> Table:
    table = Table()
    table.line, table.lines = node.start_mark.line + 1, {}
    for key, value in node.value:
        word, line = str(key.value), key.start_mark.line + 1
        if word in table:
            raise BadTests(f"{name}, line {line}: {word!r} stands twice; keep one.", name=name, line=line)
        table[word], table.lines[word] = _value(value, name, depth + 1), line
    return table


def _scalar(node: Any) -> Any:
    loader = yaml.SafeLoader("")
    try:
        value = loader.construct_object(node)
    finally:
        loader.dispose()
    if isinstance(value, int | float) and ":" in node.value:  # 11:00 is a time, not 660
        return str(node.value)
    # `say: yes` is what a customer says; 2026-11-27 is a date in YAML, but slots and results hold what JSON can.
    if isinstance(value, bool) and node.value.lower() not in ("true", "false"):
        return str(node.value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(node.value)
