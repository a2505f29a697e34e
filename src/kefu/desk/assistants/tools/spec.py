"""What a tool is: a request with places for arguments, and the outputs that its answer holds."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import jsonpath
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from kefu.kit.errors import BadInput
from kefu.knowledge.masking import FAMILIES

INTERNAL = "internal:"  # systems that run in this process, such as the demo's shop
SAFE_METHODS = frozenset({"GET", "HEAD"})
# A tool is made by a person or from a description of an interface; more than this is neither.
_MOST_NAMES, _LONGEST_TEMPLATE, _MOST_SAMPLES = 50, 2000, 50
_NAME = r"^[a-z][a-z0-9_]{0,59}$"
_TOOL_NAME = r"^[a-z][a-z0-9_.-]{0,59}$"
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
PLACE = re.compile(r"\{([a-z][a-z0-9_]{0,59})\}")
# What the connection or the credentials say; a tool that set them could smuggle a second request.
_NOT_ITS_OWN = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"})
Personal = Literal["auto", "no", "name", "phone", "email", "address", "id", "card", "account"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Parameter(_Part):
    """What a call must bring."""

    type: Literal["text", "number", "integer", "boolean", "list", "object"] = "text"
    required: bool = True
    description: str = Field(default="", max_length=500)


class Output(_Part):
    """What of an answer a flow may use, by its JSON path (RFC 9535).

    `personal`: personal data in it are found (`auto`), there are none (`no`), or the whole is of one kind.
    """

    path: str = Field(min_length=1, max_length=500)
    type: Literal["any", "text", "number", "boolean", "list", "object"] = "any"
    personal: Personal = "auto"
    required: bool = False
    description: str = Field(default="", max_length=500)


class Sample(_Part):
    """An answer for the simulator and tests; used where the call's arguments hold what `when` names."""

    when: dict[str, Any] = Field(default_factory=dict, max_length=_MOST_NAMES)
    status: int = Field(default=200, ge=100, le=599)
    body: Any = None


def _whole_output(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


Templates = dict[str, Annotated[str, Field(max_length=_LONGEST_TEMPLATE)]]


class ToolSpec(_Part):
    """A tool as a company writes it. `{name}` in url, query, headers and body is an argument's place."""

    name: str = Field(pattern=_TOOL_NAME)
    description: str = Field(default="", max_length=2000)
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: str = Field(min_length=1, max_length=_LONGEST_TEMPLATE)
    parameters: dict[str, Parameter] = Field(default_factory=dict, max_length=_MOST_NAMES)
    query: Templates = Field(default_factory=dict, max_length=_MOST_NAMES)
    headers: Templates = Field(default_factory=dict, max_length=_MOST_NAMES)
    body: Any = None
    outputs: dict[str, Annotated[Output, BeforeValidator(_whole_output)]] = Field(
        default_factory=dict, max_length=_MOST_NAMES
    )
    timeout_seconds: float = Field(default=10.0, gt=0, le=30)
    retries: int = Field(default=1, ge=0, le=3)
    idempotency_header: str = Field(default="", max_length=100)
    allowed_hosts: tuple[str, ...] = Field(default=(), max_length=20)
    samples: tuple[Sample, ...] = Field(default=(), max_length=_MOST_SAMPLES)

    @property
    def is_repeatable(self) -> bool:
        """Whether the same call made twice has the effect of one."""
        return self.method in SAFE_METHODS or bool(self.idempotency_header)

    @property
    def is_internal(self) -> bool:
        return self.url.startswith(INTERNAL)

    @property
    def origin(self) -> str:
        """Where requests go: scheme, host and port, or the internal system."""
        if self.is_internal:
            return self.url.partition("/")[0]
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}".lower()

    @property
    def hosts(self) -> frozenset[str]:
        """Hosts that a request, or where it is sent on to, may reach."""
        return frozenset(host.lower() for host in (*self.allowed_hosts, urlsplit(self.url).hostname or ""))

    @model_validator(mode="after")
    def _sound(self) -> Self:
        _check_url(self.url)
        for name in [*self.headers, *([self.idempotency_header] if self.idempotency_header else [])]:
            if not _HEADER.fullmatch(name) or name.lower() in _NOT_ITS_OWN:
                raise ValueError(f"a tool cannot set the header {name!r}")
        if any(ord(char) < 32 for value in self.headers.values() for char in value):
            raise ValueError("a header is one line")
        for name, output in self.outputs.items():
            _check_output(name, output)
        for name in self.parameters:
            _check_name(name, "parameter")
        used = set(places((self.url, self.query, self.headers, self.body)))
        unknown = sorted(used - set(self.parameters)) if self.parameters else []
        if unknown:
            raise ValueError(f"there is no parameter {unknown[0]!r}; declare it under parameters")
        return self

    def declared(self) -> Mapping[str, Parameter]:
        """The parameters; where none is declared, a text for each place."""
        if self.parameters:
            return self.parameters
        names = places((self.url, self.query, self.headers, self.body))
        return {name: Parameter() for name in dict.fromkeys(names)}


def checked_spec(definition: Any) -> ToolSpec:
    """A tool's definition, validated. Raises BadInput that names the field and what was expected."""
    if not isinstance(definition, dict):
        raise BadInput("A tool is an object with name, method and url.", field="definition")
    _check_depth(definition)
    try:
        return ToolSpec.model_validate(definition)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise BadInput(f"Tool {definition.get('name', '')!s:.60}: {place or 'it'}: {said}.", field=place) from None


def spec_of(definition: Mapping[str, Any]) -> ToolSpec:
    """A stored definition as a tool; it was checked when it was stored. The same one is read once a process."""
    return _spec_of(json.dumps(definition, sort_keys=True))


@lru_cache(maxsize=1024)
def _spec_of(definition: str) -> ToolSpec:
    return checked_spec(json.loads(definition))


@lru_cache(maxsize=4096)
def compiled(path: str) -> Any:
    """A JSON path ready to find. Raises JSONPathError for one that is none."""
    return jsonpath.compile(path)


def stored_spec(spec: ToolSpec) -> dict[str, Any]:
    """A definition as it is stored and shown."""
    return spec.model_dump(mode="json")


def places(template: Any) -> Iterator[str]:
    """Names of the arguments that a template of any depth has places for."""
    if isinstance(template, str):
        yield from PLACE.findall(template)
    elif isinstance(template, Mapping):
        for value in template.values():
            yield from places(value)
    elif isinstance(template, list | tuple):
        for value in template:
            yield from places(value)


def _check_url(url: str) -> None:
    if url.startswith(INTERNAL):
        if not re.fullmatch(r"internal:[a-z0-9-]+(/\S*)?", url):
            raise ValueError("an internal address is internal:NAME/path")
        return
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("url is an address such as https://api.example.com/orders/{order_number}")
    if PLACE.search(parts.netloc) or "{" in parts.scheme:
        raise ValueError("url: the host cannot be an argument")
    if parts.username or parts.password:
        raise ValueError("url: give a user and password as credentials, which are kept encrypted")
    if parts.fragment:
        raise ValueError("url: a fragment (#…) is never sent")


def _check_name(name: str, what: str) -> None:
    if not re.fullmatch(_NAME, name):
        raise ValueError(f"{what} {name!r}: a name is small letters, digits and underscores, letter first")


def _check_output(name: str, output: Output) -> None:
    _check_name(name, "output")
    if output.personal not in {"auto", "no"} and output.personal.upper() not in FAMILIES.values():
        raise ValueError(f"output {name}: personal data are not of the kind {output.personal!r}")
    try:
        compiled(output.path)
    except (jsonpath.JSONPathError, RecursionError) as error:
        raise ValueError(f"output {name}: {output.path!r} is no JSON path ({str(error)[:100]})") from None


def _check_depth(value: Any, depth: int = 0) -> None:
    # Deeper than any interface's body; what follows walks it by recursion.
    if depth > 30:
        raise BadInput("A tool's definition is nested too deeply.", field="definition")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_depth(inner, depth + 1)
