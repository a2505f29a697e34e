"""A tool and its arguments become a request; pure, so that a dry run shows what would be sent."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from kefu.desk.assistants.tools.spec import INTERNAL, PLACE, Parameter, ToolSpec, places
from kefu.kit.errors import BadInput

HIDDEN = "•••"
_LONGEST_URL, _LONGEST_BODY = 8_000, 200_000  # what servers commonly take of an address; a large form
CREDENTIALS = {"bearer": ("token",), "basic": ("user", "password"), "header": ("name", "value"),
               "query": ("name", "value")}  # fmt: skip


@dataclass(frozen=True)
class Outgoing:
    """A request ready to be sent. `secrets` are what must not be shown of it or of its answer."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    secrets: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        """The request for people: secrets hidden, the body as text."""
        body = self.content.decode(errors="replace") if self.content is not None else None
        return {
            "method": self.method,
            "url": self.hidden(self.url),
            "headers": {name: self.hidden(value) for name, value in self.headers.items()},
            "body": self.hidden(body) if body is not None else None,
        }

    def hidden(self, text: str) -> str:
        """A text without the secrets, however they are written in it."""
        for secret in self.secrets:
            for form in {secret, quote(secret, safe=""), json.dumps(secret, ensure_ascii=False)[1:-1]}:
                text = text.replace(form, HIDDEN)
        return text

    def hidden_in(self, value: Any) -> Any:
        """A value of JSON without the secrets in any of its texts."""
        if isinstance(value, str):
            return self.hidden(value)
        if isinstance(value, Mapping):
            return {name: self.hidden_in(each) for name, each in value.items()}
        return [self.hidden_in(each) for each in value] if isinstance(value, list | tuple) else value


def made(
    spec: ToolSpec, arguments: Mapping[str, Any], credentials: Mapping[str, str], *, idempotency_key: str = ""
) -> Outgoing:
    """The request that a call is. Raises BadInput that names the argument that is missing or unfit."""
    given = _checked(spec, arguments)
    address, _, fixed = spec.url.partition("?")
    url = _filled_path(address, given)
    query = [(name, text) for name, text in _filled_pairs(spec.query, given)]
    headers = {name: _one_line(name, text) for name, text in _filled_pairs(spec.headers, given)}
    if spec.idempotency_header and idempotency_key:
        headers[spec.idempotency_header] = idempotency_key
    secrets = _add_credentials(credentials, headers, query)
    parts = [_filled_query(fixed, given), urlencode(query)]
    url = "?".join(part for part in (url, "&".join(part for part in parts if part)) if part)
    if len(url) > _LONGEST_URL:
        raise BadInput(f"The address has {len(url)} characters; the most is {_LONGEST_URL}.")
    _check_same_origin(spec, url)
    return Outgoing(spec.method, url, headers, _content(spec, given, headers), secrets)


def checked_credentials(given: Mapping[str, Any] | None) -> dict[str, str]:
    """Credentials as they are sealed: `kind` and what it needs. Raises BadInput that names the field."""
    if not given or given.get("kind") in {None, "", "none"}:
        return {}
    kind = str(given["kind"])
    if kind not in CREDENTIALS:
        raise BadInput(f"Credentials are {', '.join(CREDENTIALS)} or none; not {kind!r:.40}.", field="credentials")
    wanted = CREDENTIALS[kind]
    missing = [name for name in wanted if not given.get(name)]
    if missing:
        raise BadInput(f"Credentials of kind {kind} need {', '.join(wanted)}.", field=f"credentials.{missing[0]}")
    values = {name: str(given[name]) for name in wanted}
    for name, value in values.items():
        if len(value) > 8_000 or any(ord(char) < 32 for char in value):
            raise BadInput("A credential is one line of at most 8,000 characters.", field=f"credentials.{name}")
    if kind not in {"bearer", "basic"} and not values["name"].isascii():
        raise BadInput("The name of a header or parameter is ASCII.", field="credentials.name")
    return {"kind": kind, **values}


def _checked(spec: ToolSpec, arguments: Mapping[str, Any]) -> dict[str, Any]:
    declared = spec.declared()
    unknown = sorted(set(arguments) - set(declared))
    if unknown:
        raise BadInput(
            f"{spec.name} takes no {unknown[0]}; it takes {', '.join(declared) or 'nothing'}.", field=unknown[0]
        )
    missing = [name for name, each in declared.items() if each.required and arguments.get(name) in (None, "")]
    if missing:
        raise BadInput(f"{spec.name} needs {', '.join(missing)}.", field=missing[0])
    return {name: _typed(name, value, declared[name]) for name, value in arguments.items() if value is not None}


def _typed(name: str, value: Any, parameter: Parameter) -> Any:
    fits = {
        "text": isinstance(value, str | int | float),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "boolean": isinstance(value, bool),
        "list": isinstance(value, list),
        "object": isinstance(value, dict),
    }
    if fits[parameter.type]:
        return json.dumps(value) if parameter.type == "text" and not isinstance(value, str) else value
    if parameter.type in {"number", "integer"} and isinstance(value, str):
        try:
            return int(value) if parameter.type == "integer" else float(value)
        except ValueError:
            pass
    raise BadInput(f"{name} is of type {parameter.type}, not {type(value).__name__}.", field=name)


def _filled_path(template: str, given: Mapping[str, Any]) -> str:
    start = len(template) - len(template.split("/", 3)[-1]) if not template.startswith(INTERNAL) else 0
    head, path = template[:start], template[start:]
    pieces = []
    for segment in path.split("/"):
        filled = _fill(segment, given, encode=True)
        # "." and ".." would leave the folder that the tool's author meant; some servers read %2F as / and follow them.
        if filled != segment and not {".", ".."}.isdisjoint(re.split(r"[/\\]", unquote(filled))):
            raise BadInput("An argument in the path cannot hold . or .. as a folder.", field="url")
        pieces.append(filled)
    return head + "/".join(pieces)


def _filled_query(fixed: str, given: Mapping[str, Any]) -> str:
    return _fill(fixed, given, encode=True)


def _filled_pairs(templates: Mapping[str, str], given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and text of each template whose arguments were given; one that lacks an optional argument is left out."""
    return [(name, _fill(text, given)) for name, text in templates.items() if _is_given(text, given)]


def _content(spec: ToolSpec, given: Mapping[str, Any], headers: dict[str, str]) -> bytes | None:
    if spec.body is None or spec.method in {"GET", "HEAD"}:
        return None
    body = json.dumps(_filled(spec.body, given), ensure_ascii=False).encode()
    if len(body) > _LONGEST_BODY:
        raise BadInput(f"The body has {len(body):,} bytes; the most is {_LONGEST_BODY:,}.")
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    return body


def _filled(template: Any, given: Mapping[str, Any]) -> Any:
    """A body with its places filled: `"{name}"` alone keeps the argument's type, optional parts not given go."""
    if isinstance(template, str):
        names = list(places(template))
        if len(names) == 1 and template == f"{{{names[0]}}}":
            return given.get(names[0])
        return _fill(template, given)
    if isinstance(template, Mapping):
        return {name: _filled(value, given) for name, value in template.items() if _is_given(value, given)}
    if isinstance(template, list | tuple):
        return [_filled(value, given) for value in template if _is_given(value, given)]
    return template


def _fill(template: str, given: Mapping[str, Any], *, encode: bool = False) -> str:
    def put(match: Any) -> str:
        value = given.get(match[1], "")
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return quote(text, safe="") if encode else text

    return PLACE.sub(put, template)


def _is_given(template: Any, given: Mapping[str, Any]) -> bool:
    """Whether a part is to be sent: it is fixed, or its arguments were given."""
    return not isinstance(template, str) or all(name in given for name in list(places(template)))


def _one_line(name: str, text: str) -> str:
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise BadInput(f"The header {name} would have more than one line.", field=name)
    return text


def _add_credentials(
    credentials: Mapping[str, str], headers: dict[str, str], query: list[tuple[str, str]]
) -> tuple[str, ...]:
    kind = credentials.get("kind")
    if kind == "bearer":
        headers["Authorization"] = f"Bearer {credentials['token']}"
        return (credentials["token"],)
    if kind == "basic":
        pair = f"{credentials['user']}:{credentials['password']}".encode()
        encoded = base64.b64encode(pair).decode()
        headers["Authorization"] = f"Basic {encoded}"
        return (encoded, credentials["password"])
    if kind == "header":
        headers[credentials["name"]] = credentials["value"]
        return (credentials["value"],)
    if kind == "query":
        query.append((credentials["name"], credentials["value"]))
        return (credentials["value"],)
    return ()


def _check_same_origin(spec: ToolSpec, url: str) -> None:
    # The host has no places for arguments; should that ever change, nothing leaves for another host.
    if spec.is_internal:
        return
    parts = urlsplit(url)
    if f"{parts.scheme}://{parts.netloc}".lower() != spec.origin:
        raise BadInput("An argument would change the host that the tool calls.", field="url")
