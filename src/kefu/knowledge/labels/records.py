"""JSON: one object a line or one document; plain rows, CLINC's, chats, instructions and preferences."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kefu.contracts.dataset import BadRow
from kefu.kit.errors import BadInput
from kefu.knowledge.labels.columns import NAMES
from kefu.knowledge.labels.record import Parsed, Record, cell

_Json = Any
_BLANK = re.compile(r"[ \t\r\n]*")
# ShareGPT's names of the two sides.
_ROLES = {"human": "user", "gpt": "assistant", "bot": "assistant", "customer": "user", "agent": "assistant"}


class _Malformed(Exception):
    """A row that does not have its format's shape."""

    def __init__(self, column: str, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.column, self.problem, self.fix = column, problem, fix


def parse_json_lines(text: str) -> Parsed:
    """One JSON object a line; blank lines are skipped."""
    objects: list[tuple[int, _Json]] = []
    bad: list[BadRow] = []
    for row, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            objects.append((row, _decoder().decode(line.strip(" \t\r"))))
        except (ValueError, RecursionError) as error:
            bad.append(BadRow(row, "", f"not JSON: {_said(error)}", "write one JSON object a line"))
    parsed = _table(objects, "jsonl")
    parsed.bad[:0] = bad
    return parsed


def parse_json(text: str, split: str | None) -> Parsed:
    """One JSON document: a list of rows, or CLINC's splits, of which `split` (train by default) is read.

    Raises BadInput for a document of another shape and for a split that it does not have.
    """
    start = _skip(text, 0)
    try:
        if text[start] == "[":
            return _table(list(_elements(text, start)), "json")
        splits = {name: place for name, place in _members(text, start) if text[place] == "["}
    except (ValueError, RecursionError, IndexError) as error:
        raise BadInput(f"The file is not JSON: {_said(error)}.") from None
    wanted = split or "train"
    if wanted not in splits:
        raise BadInput(
            f"The JSON has no split {wanted!r}. Its lists: {', '.join(splits) or 'none'}. "
            'Expected a list of rows, one object a line, or {"train": [["text", "label"], …]}.'
        )
    try:
        return _clinc(text, splits, wanted)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The file is not JSON: {_said(error)}.") from None


def _clinc(text: str, splits: Mapping[str, int], wanted: str) -> Parsed:
    """A split and, behind it, the out-of-scope texts that belong to it."""
    names = [wanted] + [f"oos_{wanted}"] * (f"oos_{wanted}" in splits)
    objects = [each for name in names for each in _elements(text, splits[name])]
    parsed = _table(objects, f"clinc json, split {' + '.join(names)}")
    parsed.roles = {"text": "text", "label": "label"}
    return parsed


def _table(objects: Sequence[tuple[int, _Json]], base: str) -> Parsed:
    kind = next((name for name, fits, _ in _KINDS if any(fits(value) for _, value in objects[:20])), "")
    convert = next((convert for name, _, convert in _KINDS if name == kind), _plain)
    parsed = Parsed(f"{kind} {base}".strip(), (), roles={"text": "text"} if kind else {})
    columns: dict[str, None] = {}
    for row, value in objects:
        try:
            cells = convert(value)
        except _Malformed as error:
            parsed.bad.append(BadRow(row, error.column, error.problem, error.fix))
            continue
        columns.update(dict.fromkeys(cells))
        parsed.records.append(Record(row, cells))
    parsed.columns = tuple(columns)
    return parsed


# kinds of rows


def _plain(value: _Json) -> dict[str, str | None]:
    if isinstance(value, list) and len(value) == 2:
        return {"text": cell(value[0]), "label": cell(value[1])}
    if not isinstance(value, dict):
        raise _Malformed("", "the row is not an object", 'write {"text": "…", "label": "…"}')
    return {str(name): cell(each) for name, each in value.items()}


def _chat(value: _Json) -> dict[str, str | None]:
    """The customer's last words before the last reply; the reply and the whole chat go along."""
    name = "messages" if "messages" in _object(value) else "conversations"
    said = [_message(each, name) for each in _list(value.get(name), name)]
    replies = [at for at, (role, _) in enumerate(said) if role == "assistant"]
    before = said[: replies[-1]] if replies else said
    asked = next((content for role, content in reversed(before) if role == "user"), None)
    if asked is None:
        raise _Malformed(name, "no message of a user before the reply", 'give one the role "user"')
    whole = [{"role": role, "content": content} for role, content in said]
    cells = {key: cell(each) for key, each in value.items() if key != name}
    cells |= {"text": asked, "messages": cell(whole)}
    return cells | ({"reply": said[replies[-1]][1]} if replies else {})


def _message(value: _Json, column: str) -> tuple[str, str]:
    role = value.get("role", value.get("from")) if isinstance(value, dict) else None
    content = value.get("content", value.get("value")) if isinstance(value, dict) else None
    if not isinstance(role, str) or not isinstance(content, str):
        raise _Malformed(column, "a message without role and text", '{"role": "user", "content": "…"} each')
    return _ROLES.get(role, role), content


def _alpaca(value: _Json) -> dict[str, str | None]:
    rest = {key: cell(each) for key, each in _object(value).items() if key not in ("instruction", "input", "output")}
    asked = "\n".join(part for part in (cell(value.get("instruction")), cell(value.get("input"))) if part)
    return {**rest, "text": asked, "reply": cell(value.get("output"))}


def _preference(value: _Json) -> dict[str, str | None]:
    _object(value)
    for name in ("chosen", "rejected"):
        if not value.get(name):
            raise _Malformed(name, f"no {name} answer", "give both answers, or delete the row")
    rest = {key: cell(each) for key, each in value.items() if key != "prompt"}
    return {**rest, "text": cell(value.get("prompt"))}


def _slots(value: _Json) -> dict[str, str | None]:
    """What a customer said with the slots in it, as RESTAURANTS-8K has them: a place that is left out is 0."""
    said, context = _object(value).get("userInput"), value.get("context") or {}
    if not isinstance(said, dict) or not isinstance(said.get("text"), str) or not isinstance(context, dict):
        raise _Malformed("userInput", "no text in userInput", 'write {"userInput": {"text": "…"}, "labels": […]}')
    try:
        spans = [
            {
                "slot": str(each["slot"]),
                "start": int(each["valueSpan"].get("startIndex", 0)),
                "end": int(each["valueSpan"]["endIndex"]),
            }
            for each in value.get("labels", [])
        ]
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise _Malformed("labels", f"a slot without its place ({error})", "give slot and valueSpan") from error
    requested = ",".join(str(each) for each in context.get("requestedSlots", []))
    return {"text": said["text"], "slots": json.dumps(spans, ensure_ascii=False), "requested": requested}


def _object(value: _Json) -> dict[str, _Json]:
    if not isinstance(value, dict):
        raise _Malformed("", "the row is not an object", "write each row as the others are")
    return value


def _list(value: _Json, column: str) -> list[_Json]:
    if not isinstance(value, list) or not value:
        raise _Malformed(column, f"{column} is not a list of messages", "give the messages as a list")
    return value


def _has(*names: str) -> Callable[[_Json], bool]:
    """Whether a row has these names and is not one that we wrote: those have their `text` already."""
    return lambda value: isinstance(value, dict) and "text" not in value and all(name in value for name in names)


def _is_alpaca(value: _Json) -> bool:
    """An instruction beside a label is a labelled text, not something to answer."""
    return _has("instruction", "output")(value) and not set(NAMES["label"]) & set(value)


_KINDS: tuple[tuple[str, Callable[[_Json], bool], Callable[[_Json], dict[str, str | None]]], ...] = (
    ("slots", _has("userInput"), _slots),
    ("chat", _has("messages"), _chat),
    ("sharegpt", _has("conversations"), _chat),
    ("preference", _has("chosen", "rejected"), _preference),
    ("alpaca", _is_alpaca, _alpaca),
)

# JSON with places


def _elements(text: str, start: int) -> Iterator[tuple[int, _Json]]:
    """The elements of the list that begins at `start`, with their lines."""
    decoder = _decoder()
    line, counted = text.count("\n", 0, start) + 1, start
    at = _skip(text, start + 1)
    while text[at : at + 1] != "]":
        value, end = decoder.raw_decode(text, at)
        line, counted = line + text.count("\n", counted, at), at
        yield line, value
        at = _next(text, end, "]")


def _members(text: str, start: int) -> Iterator[tuple[str, int]]:
    """Names and places of values of the object that begins at `start`."""
    decoder = _decoder()
    at = _skip(text, start + 1)
    while text[at : at + 1] != "}":
        name, end = decoder.raw_decode(text, at)
        at = _skip(text, end)
        if text[at : at + 1] != ":":
            raise json.JSONDecodeError("Expecting ':'", text, at)
        at = _skip(text, at + 1)
        yield str(name), at
        _, end = decoder.raw_decode(text, at)
        at = _next(text, end, "}")


def _next(text: str, end: int, closing: str) -> int:
    """The place of the next element behind a comma, or of the closing bracket."""
    at = _skip(text, end)
    if text[at : at + 1] == ",":
        return _skip(text, at + 1)
    if text[at : at + 1] != closing:
        raise json.JSONDecodeError(f"Expecting ',' or '{closing}'", text, at)
    return at


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant)


def _once(pairs: list[tuple[str, _Json]]) -> dict[str, _Json]:
    """Of a name that stands twice, readers take different values: better to ask."""
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} stands twice in an object")
    return dict(pairs)


def _no_constant(name: str) -> _Json:
    raise ValueError(f"{name} is not a JSON number")


def _said(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    if isinstance(error, RecursionError):
        return "brackets too deep"
    return str(error)[:200]
