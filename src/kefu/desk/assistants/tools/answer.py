"""What a tool's answer means: outputs by JSON path, of the declared types and bounded."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonpath

from kefu.contracts.tool import ToolState
from kefu.desk.assistants.tools.spec import Output, Sample, ToolSpec, compiled

# A flow shows a few facts to a customer; what is longer is a document. State and ledger keep these values.
_LONGEST_TEXT, _MOST_ITEMS, _DEEPEST, _LARGEST = 2_000, 50, 6, 20_000
# A gateway gave up waiting: the system behind it may have done what it was told.
_GAVE_UP = frozenset({502, 504})


@dataclass(frozen=True)
class Answered:
    """An answer as read: `outputs` are still as they came, personal data and all."""

    state: ToolState
    outputs: Mapping[str, Any]
    status: int | None = None
    problem: str = ""
    message: str = ""


def read_answer(spec: ToolSpec, status: int, body: bytes | Any) -> Answered:
    """What an answer of that status means; `body` is what came over the wire, or JSON already. Total."""
    content = _parsed(body) if isinstance(body, bytes) else body
    if not 200 <= status < 300:
        unknown = status in _GAVE_UP and not spec.is_repeatable
        state = ToolState.UNKNOWN if unknown else ToolState.FAILED
        problem = _PROBLEMS.get(status, "refused" if status < 500 else "server_error")
        return Answered(state, {}, status, problem, _message(content))
    outputs = {name: _output(output, content) for name, output in spec.outputs.items()}
    lacking = [name for name, output in spec.outputs.items() if output.required and outputs[name] is None]
    if lacking:
        return Answered(ToolState.FAILED, outputs, status, "output_missing")
    if len(json.dumps(outputs, ensure_ascii=False)) > _LARGEST:
        return Answered(ToolState.FAILED, {}, status, "answer_too_large")
    return Answered(ToolState.DONE, outputs, status)


def from_samples(spec: ToolSpec, arguments: Mapping[str, Any]) -> Answered:
    """The answer of the first sample that fits the arguments, for simulators and tests."""
    for sample in spec.samples:
        if _fits(sample, arguments):
            return read_answer(spec, sample.status, sample.body)
    return Answered(ToolState.FAILED, {}, None, "no_sample")


_PROBLEMS = {401: "not_signed_in", 403: "not_allowed", 404: "not_found", 409: "conflict", 429: "busy"}


def _message(content: Any) -> str:
    """What the system said of its refusal, where it is a problem document (RFC 9457)."""
    told = content.get("detail") or content.get("title") if isinstance(content, dict) else ""
    return clean(told[:300]) if isinstance(told, str) else ""


def _fits(sample: Sample, arguments: Mapping[str, Any]) -> bool:
    return all(str(arguments.get(name, "")) == str(value) for name, value in sample.when.items())


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body) if body.strip() else None
    except (ValueError, RecursionError):
        return body.decode(errors="replace")


def _output(output: Output, content: Any) -> Any:
    try:
        found = compiled(output.path).findall(content) if isinstance(content, dict | list) else []
    except (jsonpath.JSONPathError, RecursionError):
        found = []
    if output.path.strip() == "$":
        found = [content]
    if _is_plural(output.path) and output.type in {"any", "list"}:
        return _bounded(found[:_MOST_ITEMS])
    return _typed(_bounded(found[0]), output.type) if found else None


def _is_plural(path: str) -> bool:
    """Whether a path may find several values, which are then one list."""
    found = compiled(path)
    return not (isinstance(found, jsonpath.JSONPath) and found.singular_query())


def _typed(value: Any, kind: str) -> Any:
    """The value in its declared type, None where it cannot be."""
    if value is None or kind == "any":
        return value
    if kind == "text":
        return None if isinstance(value, dict | list) else _text(value)
    if kind == "number":
        return _number(value)
    if kind == "boolean":
        return value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value).lower())
    return value if isinstance(value, list if kind == "list" else dict) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _number(value: Any) -> int | float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    try:
        number = float(str(value))
    except ValueError:
        return None
    return int(number) if number.is_integer() and "." not in str(value) else number


def clean(text: str) -> str:
    """A text without what no database takes: NUL and halves of characters."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def _bounded(value: Any, depth: int = 0) -> Any:
    """A value no deeper, longer or wider than state and ledger keep."""
    if isinstance(value, str):
        return clean(value[:_LONGEST_TEXT])
    if isinstance(value, dict | list) and depth >= _DEEPEST:
        return None
    if isinstance(value, dict):
        return {clean(str(name)[:100]): _bounded(inner, depth + 1) for name, inner in list(value.items())[:_MOST_ITEMS]}
    if isinstance(value, list):
        return [_bounded(inner, depth + 1) for inner in value[:_MOST_ITEMS]]
    if isinstance(value, float) and not math.isfinite(value):
        return None  # NaN and the infinities are not JSON, and PostgreSQL refuses them
    return value
