"""Tools from an OpenAPI 3 description: one for each operation. Bounded; nothing is fetched."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import yaml

from kefu.desk.assistants.tools.spec import ToolSpec, checked_spec, stored_spec
from kefu.kit.errors import BadInput, TooLarge

_MOST_BYTES = 5_000_000  # the largest public descriptions (GitHub's) have more; a company's own has a tenth
_MOST_OPERATIONS, _MOST_OUTPUTS, _MOST_FIELDS = 300, 30, 40
_MOST_EXAMPLES, _LARGEST_EXAMPLE = 5, 20_000  # a description shows a few; a larger one is a whole table
_DEEPEST_REF, _DEEPEST_OUTPUT = 20, 2
_METHODS = ("get", "head", "post", "put", "patch", "delete")
_TYPES = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean", "array": "list",
          "object": "object"}  # fmt: skip
_OUTPUT_TYPES = {**_TYPES, "integer": "number"}


@dataclass(frozen=True)
class Imported:
    """Tools that were understood, and for each operation that was not, why."""

    tools: tuple[ToolSpec, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class _Operation:
    """One operation of a description, with the parameters that all of its path share."""

    path: str
    method: str
    table: Mapping[str, Any]
    shared: tuple[Any, ...]


def tools_of(data: bytes, *, server: str = "") -> Imported:
    """The operations of an OpenAPI 3 file, JSON or YAML, as tools. `server` replaces the address that it names.

    References within the file are followed, others refused. Raises BadInput for what is no such file, TooLarge.
    """
    document = _document(data)
    base = server or _server(document)
    tools: dict[str, ToolSpec] = {}
    problems: list[str] = []
    for operation in _operations(document):
        if len(tools) >= _MOST_OPERATIONS:
            problems.append(f"There are more than {_MOST_OPERATIONS} operations; the others were left out.")
            break
        try:
            spec = checked_spec(_definition(document, base, operation, set(tools)))
            tools[spec.name] = spec
        except BadInput as error:
            problems.append(f"{operation.method.upper()} {operation.path}: {error.sentence}")
    return Imported(tuple(tools.values()), tuple(problems))


def _document(data: bytes) -> dict[str, Any]:
    if len(data) > _MOST_BYTES:
        raise TooLarge(f"The file has {len(data):,} bytes; the most is {_MOST_BYTES:,}.")
    try:
        text = data.decode("utf-8-sig")
        document = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, _PlainLoader)  # noqa: S506
    except UnicodeDecodeError:
        raise BadInput("The file is not text in UTF-8.") from None
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = getattr(error, "lineno", None) or (mark.line + 1 if mark else None)
        raise BadInput(f"The file is neither JSON nor YAML{f' (line {line})' if line else ''}.", line=line) from None
    version = str(document.get("openapi", "")) if isinstance(document, dict) else ""
    if not version.startswith("3."):
        raise BadInput("The file is no OpenAPI 3 description: it lacks `openapi: 3.…`.", field="openapi")
    return document


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases: nobody writes them into a description, and nested ones grow without bound."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)


def _server(document: Mapping[str, Any]) -> str:
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers and isinstance(servers[0], dict) else {}
    url = str(first.get("url", ""))
    variables = first.get("variables")
    for name, variable in variables.items() if isinstance(variables, dict) else ():
        if isinstance(variable, dict):
            url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
    if not url.startswith(("http://", "https://")):
        raise BadInput("The file names no server; give its address.", field="server")
    return url


def _operations(document: Mapping[str, Any]) -> Iterator[_Operation]:
    paths = document.get("paths")
    for path, item in paths.items() if isinstance(paths, dict) else ():
        if not isinstance(item, dict):
            continue
        shared = item.get("parameters")
        for method in _METHODS:
            operation = item.get(method)
            if isinstance(operation, dict):
                yield _Operation(str(path), method, operation, tuple(shared if isinstance(shared, list) else ()))


def _definition(document: Mapping[str, Any], base: str, operation: _Operation, taken: set[str]) -> dict[str, Any]:
    path, method, table = operation.path, operation.method, operation.table
    own = table.get("parameters")
    named = [_resolved(document, each) for each in [*operation.shared, *(own if isinstance(own, list) else [])]]
    parameters: dict[str, Any] = {}
    spots: dict[str, dict[str, str]] = {"query": {}, "header": {}, "path": {}}
    for each in named:
        place, name = str(each.get("in")), str(each.get("name"))
        if place not in spots or (place == "header" and name.lower() in _NOT_OURS):
            continue
        key = _identifier(name)
        parameters[key] = _parameter(_resolved(document, each.get("schema", {})), each, required=place == "path")
        spots[place][name] = f"{{{key}}}"
    body = _body(document, table, parameters)
    for name, spot in spots["path"].items():
        path = path.replace(f"{{{name}}}", spot)
    return {
        "name": _name(table, method, operation.path, taken),
        "description": str(table.get("summary") or table.get("description") or "")[:2000],
        "method": method.upper(),
        "url": urljoin(base.rstrip("/") + "/", path.lstrip("/")),
        "parameters": parameters,
        "query": spots["query"],
        "headers": spots["header"],
        "body": body,
        "outputs": _outputs(document, table),
        "samples": _samples(document, table),
    }


# Said by credentials and the connection.
_NOT_OURS = frozenset({"authorization", "accept", "content-type", "cookie"})


def _parameter(schema: Mapping[str, Any], each: Mapping[str, Any], *, required: bool) -> dict[str, Any]:
    description = str(each.get("description") or schema.get("description") or "")[:500]
    return {
        "type": _TYPES.get(_type(schema), "text"),
        "required": required or each.get("required") is True,
        "description": description,
    }


def _body(document: Mapping[str, Any], operation: Mapping[str, Any], parameters: dict[str, Any]) -> Any:
    """The body's template: each field of a JSON object is a parameter."""
    request = _resolved(document, operation.get("requestBody") or {})
    if not request:
        return None
    schema = _json_schema(document, request)
    fields = schema.get("properties") if schema is not None else None
    if not isinstance(fields, dict):
        raise BadInput("its body is no JSON object")
    wanted = schema.get("required") if schema is not None else []
    template: dict[str, str] = {}
    for name, field in list(fields.items())[:_MOST_FIELDS]:
        key = _identifier(str(name))
        inner = _resolved(document, field)
        needed = isinstance(wanted, list) and name in wanted
        parameters[key] = _parameter(inner, {"required": needed}, required=False)
        template[str(name)] = f"{{{key}}}"
    return template


def _outputs(document: Mapping[str, Any], operation: Mapping[str, Any]) -> dict[str, Any]:
    for status, media in _answers(document, operation):
        if status.startswith("2") or status == "default":
            schema = _resolved(document, media.get("schema", {}))
            return dict(list(_fields(document, schema, "$", "", 0))[:_MOST_OUTPUTS])
    return {}


def _samples(document: Mapping[str, Any], operation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The examples of the answer that is hoped for, so that flows can be tried at once; of failures none is made up."""
    for status, media in _answers(document, operation):
        if not status.startswith("2"):
            continue
        named = media.get("examples")
        shown = [_resolved(document, each) for each in named.values()] if isinstance(named, dict) else []
        bodies = [media["example"]] if "example" in media else [each["value"] for each in shown if "value" in each]
        bodies = bodies or _shown(_resolved(document, media.get("schema", {})))
        written = [json.dumps(each, default=str) for each in bodies[:_MOST_EXAMPLES]]  # YAML reads days as dates
        code = int(status) if re.fullmatch(r"2\d\d", status) else 200  # or 2XX
        return [{"status": code, "body": json.loads(each)} for each in written if len(each) <= _LARGEST_EXAMPLE]
    return []


def _shown(schema: Mapping[str, Any]) -> list[Any]:
    """A schema's own examples: `example` of OpenAPI 3.0, `examples` of JSON Schema."""
    if "example" in schema:
        return [schema["example"]]
    listed = schema.get("examples")
    return list(listed) if isinstance(listed, list) else []


def _answers(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Status and JSON of each answer that an operation describes."""
    responses = operation.get("responses")
    for status, response in responses.items() if isinstance(responses, dict) else ():
        media = _json_media(_resolved(document, response))
        if media is not None:
            yield str(status), media


def _fields(
    document: Mapping[str, Any], schema: Mapping[str, Any], path: str, prefix: str, depth: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    if _type(schema) == "array":
        yield f"{prefix}items", {"path": path, "type": "list"}
        return
    fields = schema.get("properties")
    for name, field in list(fields.items())[:_MOST_FIELDS] if isinstance(fields, dict) else ():
        inner = _resolved(document, field)
        at, key = f"{path}[{json.dumps(str(name))}]", _identifier(f"{prefix}{name}")
        if _type(inner) == "object" and inner.get("properties") and depth < _DEEPEST_OUTPUT:
            yield from _fields(document, inner, at, f"{key}_", depth + 1)
        else:
            yield key, {"path": at, "type": _OUTPUT_TYPES.get(_type(inner), "any")}


def _json_schema(document: Mapping[str, Any], holder: Mapping[str, Any]) -> Mapping[str, Any] | None:
    media = _json_media(holder)
    return None if media is None else _resolved(document, media.get("schema", {}))


def _json_media(holder: Mapping[str, Any]) -> Mapping[str, Any] | None:
    content = holder.get("content")
    for kind, media in content.items() if isinstance(content, dict) else ():
        if "json" in str(kind) and isinstance(media, dict):
            return media
    return None


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):  # OpenAPI 3.1: ["string", "null"]
        kind = next((each for each in kind if each != "null"), "")
    return str(kind or ("object" if "properties" in schema else ""))


def _resolved(document: Mapping[str, Any], value: Any, depth: int = 0) -> Mapping[str, Any]:
    """The value, behind its references. Raises BadInput for one that leads out of the file, or in circles."""
    if not isinstance(value, dict):
        return {}
    reference = value.get("$ref")
    if reference is not None:
        if not str(reference).startswith("#/"):
            raise BadInput(f"the reference {str(reference)[:100]} leads out of the file")
        if depth > _DEEPEST_REF:
            raise BadInput(f"the reference {reference} leads in circles")
        return _resolved(document, _pointed(document, str(reference)), depth + 1)
    parts = value.get("allOf")
    if isinstance(parts, list) and depth <= _DEEPEST_REF:
        return _merged(document, parts, depth)
    return value


def _merged(document: Mapping[str, Any], parts: list[Any], depth: int) -> Mapping[str, Any]:
    fields: dict[str, Any] = {}
    required: list[Any] = []
    for part in parts[:_MOST_FIELDS]:
        inner = _resolved(document, part, depth + 1)
        fields |= inner["properties"] if isinstance(inner.get("properties"), dict) else {}
        required += inner["required"] if isinstance(inner.get("required"), list) else []
    return {"type": "object", "properties": fields, "required": required}


def _pointed(document: Mapping[str, Any], reference: str) -> Any:
    at: Any = document
    for part in reference[2:].split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        at = at.get(name) if isinstance(at, dict) else None
    if at is None:
        raise BadInput(f"the reference {reference[:100]} leads nowhere")
    return at


def _identifier(name: str) -> str:
    """A name as parameters and outputs have them: orderNumber and Order-Number are order_number."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    plain = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:60].rstrip("_")
    return plain if plain[:1].isalpha() else f"x_{plain}"[:60].rstrip("_")


def _name(operation: Mapping[str, Any], method: str, path: str, taken: set[str]) -> str:
    name = _identifier(str(operation.get("operationId") or f"{method}_{path}"))
    number = 2
    while name in taken:
        name, number = f"{name[:55].rstrip('_0123456789')}_{number}", number + 1
    return name


def definitions_of(data: bytes, *, server: str = "") -> tuple[list[dict[str, Any]], list[str]]:
    """`tools_of` as plain JSON."""
    found = tools_of(data, server=server)
    return [stored_spec(spec) for spec in found.tools], list(found.problems)
