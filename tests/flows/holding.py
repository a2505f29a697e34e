"""What must hold of flows and tools whatever a text says: each function asserts it of one text.

Used by `test_hostile.py` with a few hundred texts and by `benchmarks/hostile.py` with whole collections.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import httpx

from kefu.brain.flow import Shelf, begin, check_flow, go_on, load_flow
from kefu.brain.flow.run import MOST_STEPS
from kefu.brain.flow.templates import LONGEST_TEXT, evaluate, render
from kefu.brain.slots.gather import gather
from kefu.brain.slots.readings import Heard
from kefu.contracts.flow import AskStep, Flow, Slot, SlotType
from kefu.contracts.flow_state import CallTool, End, FlowState, Stepped, ToolResult, Understood
from kefu.desk.assistants.tools.request import made
from kefu.desk.assistants.tools.spec import ToolSpec, checked_spec
from kefu.kit.errors import BadInput
from kefu.knowledge.guarded_http import AddressRefused, guarded_client

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
# In no text of any collection: what comes out with it has come from where no template may look.
SECRET = "k3pt-t0-1ts3lf"
TOOL = {
    "name": "shop.order",
    "method": "POST",
    "url": "https://api.shop.example/orders/{it}/lines?also={it}",
    "query": {"q": "{it}"},
    "headers": {"X-Said": "{it}"},
    "body": {"whole": "{it}", "part": "said: {it}"},
}
# Ways that are known to lead a request astray, for arguments and addresses alike.
ASTRAY = (
    "..", ".", "../../admin", "..%2f..%2fadmin", "%2e%2e/admin", "..\\admin", "//evil.example/x", "/\\evil.example",
    "@evil.example", ":80@evil.example", "evil.example#", "?to=http://169.254.169.254/latest/meta-data",
    "x\r\nHost: evil.example", "x\nX-Admin: 1", "x\u2028y", "x\0y", "127.0.0.1", "localhost", "[::1]", "0x7f000001",
    "2130706433", "127.1", "169.254.169.254", "[::ffff:169.254.169.254]", "metadata.google.internal", "evil。example",
    "http://127.0.0.1:6379/", "file:///etc/passwd", "gopher://127.0.0.1:11211/_stats", "ⓛocalhost", "{it}", "{{it}}",
)  # fmt: skip


def texts_of(file: Path) -> Iterator[str]:
    """The texts of a collection: a JSON list, or JSON lines whose texts stand under any name."""
    if file.suffix == ".json":
        yield from json.loads(file.read_text(encoding="utf-8"))
        return
    for line in file.read_text(encoding="utf-8").splitlines():
        yield from (value for value in json.loads(line).values() if isinstance(value, str))


def slots_stay_empty_or_hold_plain_data(text: str) -> None:
    """A text asked of a slot of every kind, in each language."""
    for kind in SlotType:
        slot = Slot("it", kind, pattern=r"[A-Z]{2}\d+") if kind is SlotType.PATTERN else Slot("it", kind)
        for language in ("en", "zh", "de"):
            found = gather([slot], Heard(text, language, NOW), asked=slot)
            for filled in found.filled.values():
                assert json.loads(json.dumps(filled.value)) == filled.value


class Talk:
    """A conversation with a flow whose tools all answer the same."""

    def __init__(self, flow: Flow, shelf: Shelf, language: str, answer: object) -> None:
        self._flow, self._shelf, self._language, self._answer = flow, shelf, language, answer
        self.state = FlowState()
        self._turn = 0
        self.calls: list[CallTool] = []

    def say(self, text: str) -> None:
        """One turn; what must hold after each is asserted."""
        self._turn += 1
        heard = Understood("c", f"t{self._turn}", NOW, text=text, language=self._language)
        began = not self.state.over and self.state.frames
        stepped = go_on(self.state, heard, self._shelf) if began else begin(self._flow, heard, self._shelf)
        while isinstance(call := stepped.effects[-1] if stepped.effects else None, CallTool):
            self.calls.append(call)
            result = ToolResult(call.call_id, value=self._answer)  # type: ignore[arg-type]  # whatever a system says
            stepped = go_on(stepped.state, replace(heard, tool_result=result), self._shelf)
        self.state = stepped.state
        _is_sound(stepped)
        assert len({call.call_id for call in self.calls}) == len(self.calls)


def _is_sound(stepped: Stepped) -> None:
    state = stepped.state
    assert state.spent <= MOST_STEPS + 1
    assert state.over == (state.waiting is None)
    assert state.over == any(isinstance(effect, End) for effect in stepped.effects)
    assert FlowState.from_json(json.loads(json.dumps(state.as_json()))) == state
    assert SECRET not in json.dumps([repr(effect) for effect in stepped.effects])


def flows_go_on(text: str, flows: Sequence[Flow]) -> None:
    """A text said at the beginning, at every question that comes and as every tool's answer."""
    shelf = Shelf(flows)
    for flow in flows:
        for language in flow.languages[:2] or ("en",):
            talk = Talk(flow, shelf, language, {"status": text, text[:100]: [text, {"number": text}]})
            for _ in range(4):
                talk.say(text)


def every_question_stands(text: str, flow: Flow) -> None:
    """A text said at each of a flow's questions in turn, wherever in the flow it is asked."""
    shelf = Shelf([flow])
    names = [name for step in flow.all_steps() if isinstance(step, AskStep) for name in step.slots]
    for at in range(len(names)):
        only = replace(flow, steps=(AskStep("ask", slots=tuple(names[at:])),))
        talk = Talk(only, Shelf([only]), flow.languages[0], {})
        talk.say("")
        talk.say(text)
    assert shelf.get(flow.id) is flow


def templates_reach_nothing(text: str) -> None:
    """A text as a template, a condition, a flow's file; and as a value in a template that is the company's own."""
    names = {"a": 1, "b": [1, {"a": text}], "c": text}
    for source in (text, "{{ " + text + " }}", "{% if " + text + " %}x{% endif %}", "{{ c." + text + " }}"):
        for said in (None, "en", "zh"):
            with suppress(BadInput):
                came = render(source, {**names, "_hidden": SECRET}, said=said)
                assert len(came) <= LONGEST_TEXT
                assert SECRET not in came
    with suppress(BadInput):
        evaluate(text, names)
    assert render("{{ c | string }}|", names) == f"{text}|"[:LONGEST_TEXT].strip()
    check_flow(text)
    check_flow(f"schema: kefu.flow/v1\nid: a\nlanguages: [en]\nsteps:\n- say: {text}\n- set: {{a: {text}}}\n")


def requests_stay_at_home(text: str) -> None:
    """A text as an argument in every part of a request: refused, or sent to the tool's own host and folder."""
    spec = checked_spec(TOOL)
    try:
        request = made(spec, {"it": text}, {"kind": "bearer", "token": SECRET})
    except BadInput:
        return
    url = httpx.URL(request.url)  # as the client that sends it reads it
    assert (url.scheme, url.host, url.port) == ("https", "api.shop.example", None)
    assert url.raw_path.startswith(b"/orders/")
    assert len(url.raw_path.partition(b"?")[0].split(b"/")) == 4
    assert ".." not in unquote(url.raw_path.partition(b"?")[0].decode()).split("/")
    assert all(ord(char) >= 32 for value in request.headers.values() for char in value)
    assert json.loads(request.content or b"") == {"whole": text, "part": f"said: {text}"}


def no_forbidden_host_is_reached(texts: Sequence[str]) -> int:
    """Each text as a tool's address and as its host, where every name leads into the company's own network.

    How many were even tried; every one of those was refused before a connection was made.
    """

    async def whole() -> int:
        tried = 0
        async with guarded_client(resolve=_our_own_network) as client:
            for text in texts:
                for written in (text, f"http://{text}/", f"https://{text}:8443/x"):
                    tried += await _is_refused(client, written)
        return tried

    return asyncio.run(whole())


async def _our_own_network(host: str, port: int) -> list[str]:
    return ["169.254.169.254"]


async def _is_refused(client: httpx.AsyncClient, written: str) -> bool:
    try:
        spec: ToolSpec = checked_spec({"name": "a", "url": written})
    except BadInput:
        return False
    if spec.is_internal:
        return False
    try:
        response = await client.get(spec.url)
    except AddressRefused:
        return True
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError):
        return False
    raise AssertionError(f"{written!r} was reached: {response.status_code}")


def load_all(folder: Path) -> list[Flow]:
    """The flows of a folder."""
    return [load_flow(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml"))]
