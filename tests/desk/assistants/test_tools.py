"""Tools: what they send, whom they reach, what of an answer a flow gets, and that no call is made twice."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from kefu.contracts.tool import ToolCall, ToolState
from kefu.desk.accounts.models import AuditEntry
from kefu.desk.actor import Role
from kefu.desk.assistants import actions, calls, queries
from kefu.desk.assistants.models import Tool
from kefu.desk.assistants.models import ToolCall as Row
from kefu.desk.assistants.tools.answer import Answered
from kefu.desk.assistants.tools.sending import Sender, Sent
from kefu.desk.assistants.tools.spec import checked_spec
from kefu.desk.changes import disconnect
from kefu.desk.inbox.models import Conversation
from kefu.desk.inbox.queries import placeholders
from kefu.desk.toolbox import Samples, Toolbox
from kefu.kit import settings
from kefu.kit.errors import BadInput, Conflict, NotAllowed, NotFound
from kefu.testing.fakes import FakeServer, Handler, SeenRequest

from ..shops import Shop, made_shop

pytestmark = pytest.mark.django_db(transaction=True)
BEARER = {"kind": "bearer", "token": "s3cret"}


class FakeSystem(FakeServer):
    """A company's system: answers every request with `body`, or what `failures` say."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.body: Any = {"order": {"status": "shipped", "to": "Mia Novak", "phone": "138 0013 8000"}, "lines": [1, 2]}
        self.headers: dict[str, str] = {}
        self.wait = 0.0

    def answer(self, handler: Handler, request: SeenRequest) -> None:
        self.pause(self.wait)
        handler.send_json(self.status, self.body, self.headers)


@pytest.fixture
def system() -> Iterator[FakeSystem]:
    with FakeSystem() as server:
        yield server


@pytest.fixture
def shop() -> Shop:
    return made_shop()


@pytest.fixture
def private_allowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("KEFU_ALLOW_PRIVATE_ADDRESSES", "true")
        settings.reload()
        yield
    settings.reload()


def order(system: FakeSystem, **given: Any) -> dict[str, Any]:
    return {
        "name": "shop.order",
        "url": f"{system.address}/orders/{{number}}",
        "outputs": {
            "status": "$.order.status",
            "to": {"path": "$.order.to", "personal": "name"},
            "phone": "$.order.phone",
            "lines": {"path": "$.lines[*]", "type": "list"},
        },
        "retries": 0,
        **given,
    }


def called(shop: Shop, thread: str, tool: str = "shop.order", call_id: str = "c1", **arguments: Any) -> Any:
    """What a turn gets that calls a tool."""

    async def whole() -> Any:
        sender = Sender()
        try:
            box = Toolbox(shop.workspace_id, sender, _apart)
            asked = ToolCall(call_id, tool, arguments)
            return await box.call(asked, conversation_id=thread, turn_id="t1")
        finally:
            await sender.close()

    return asyncio.run(whole())


async def _apart(call: Any, *arguments: Any, **named: Any) -> Any:
    """In a thread of its own, as the gateway's writers do."""

    def whole() -> Any:
        try:
            return call(*arguments, **named)
        finally:
            disconnect()

    return await asyncio.to_thread(whole)


# Calls and their ledger


def test_a_call_gives_its_outputs_masked_and_sends_originals(
    shop: Shop, system: FakeSystem, private_allowed: None
) -> None:
    actions.save_tool(shop.kefu, definition=order(system, method="POST", body={"phone": "{phone}"}), credentials=BEARER)
    thread = shop.start()
    shop.say(thread, "My number is 138 0013 8000")
    outcome = called(shop, thread, number="LL1", phone="<PHONE_1>")
    assert outcome.state is ToolState.DONE
    assert outcome.outputs == {"status": "shipped", "to": "<NAME_1>", "phone": "<PHONE_1>", "lines": [1, 2]}
    [request] = system.requests
    assert (request.path, request.body) == ("/orders/LL1", {"phone": "138 0013 8000"})
    assert request.headers["authorization"] == "Bearer s3cret"
    row = Row.objects.of(shop.workspace_id).get()
    assert "138" not in json.dumps([row.arguments, row.outputs])
    known = placeholders(Conversation.objects.of(shop.workspace_id).get(id=thread))
    assert known["<NAME_1>"] == "Mia Novak"


def test_a_call_is_made_once_however_often_it_is_asked(shop: Shop, system: FakeSystem, private_allowed: None) -> None:
    actions.save_tool(shop.kefu, definition=order(system, method="POST"))
    thread = shop.start()
    first = called(shop, thread, number="LL1")
    again = called(shop, thread, number="LL1")
    assert (first.outputs, again.outputs, again.repeated) == (first.outputs, first.outputs, True)
    called(shop, thread, call_id="c2", number="LL1")
    called(shop, shop.start(), number="LL1")
    assert len(system.requests) == 3


@pytest.mark.parametrize(
    ("given", "state", "requests"),
    [
        ({"method": "POST"}, ToolState.UNKNOWN, 0),
        ({"method": "POST", "idempotency_header": "Idempotency-Key"}, ToolState.DONE, 1),
        ({"method": "GET"}, ToolState.DONE, 1),
    ],
)
def test_a_call_that_was_cut_off_is_only_repeated_where_that_does_no_harm(
    shop: Shop, system: FakeSystem, private_allowed: None, given: dict[str, Any], state: ToolState, requests: int
) -> None:
    actions.save_tool(shop.kefu, definition=order(system, **given))
    thread = shop.start()
    asked = ToolCall("c1", "shop.order", {"number": "LL1"})
    begun = calls.begin_call(shop.workspace_id, conversation_id=thread, turn_id="t1", asked=asked)
    assert begun.request is not None
    outcome = called(shop, thread, number="LL1")  # the worker that began it died
    assert (outcome.state, len(system.requests)) == (state, requests)
    if state is ToolState.UNKNOWN:
        assert called(shop, thread, number="LL1").problem == "unknown"
    keys = {request.headers.get("idempotency-key") for request in system.requests}
    assert keys in (set(), {None}, {begun.request.headers.get("Idempotency-Key")})


def test_a_call_in_another_workspaces_conversation_is_not_made(
    shop: Shop, system: FakeSystem, private_allowed: None
) -> None:
    actions.save_tool(shop.kefu, definition=order(system))
    stranger = made_shop().start()
    with pytest.raises(NotFound):
        calls.begin_call(
            shop.workspace_id, conversation_id=stranger, turn_id="t", asked=ToolCall("c", "shop.order", {"number": "1"})
        )
    assert called(shop, stranger, number="LL1").state is ToolState.UNKNOWN
    assert system.requests == []


@pytest.mark.parametrize(
    ("status", "method", "state", "problem"),
    [
        (404, "GET", ToolState.FAILED, "not_found"),
        (409, "POST", ToolState.FAILED, "conflict"),
        (401, "GET", ToolState.FAILED, "not_signed_in"),
        (500, "POST", ToolState.FAILED, "server_error"),
        (504, "POST", ToolState.UNKNOWN, "server_error"),
        (504, "GET", ToolState.FAILED, "server_error"),
    ],
)
def test_a_refusal_is_told_by_a_code(
    shop: Shop, system: FakeSystem, private_allowed: None, status: int, method: str, state: ToolState, problem: str
) -> None:
    system.status, system.body = status, {"detail": "Ask Mia Novak at 138 0013 8000."}
    actions.save_tool(shop.kefu, definition=order(system, method=method))
    outcome = called(shop, shop.start(), number="LL1")
    assert (outcome.state, outcome.problem, outcome.status) == (state, problem, status)
    assert "138" not in outcome.message


@pytest.mark.parametrize(("method", "state"), [("GET", ToolState.FAILED), ("POST", ToolState.UNKNOWN)])
def test_who_does_not_answer_in_time_may_have_acted(
    shop: Shop, system: FakeSystem, private_allowed: None, method: str, state: ToolState
) -> None:
    system.wait = 30.0
    actions.save_tool(shop.kefu, definition=order(system, method=method, timeout_seconds=0.2))
    outcome = called(shop, shop.start(), number="LL1")
    assert (outcome.state, outcome.problem) == (state, "timeout")


def test_only_safe_calls_are_tried_again(shop: Shop, system: FakeSystem, private_allowed: None) -> None:
    actions.save_tool(shop.kefu, definition=order(system, retries=2))
    system.fail_next(503, times=2)
    assert called(shop, shop.start(), number="LL1").state is ToolState.DONE
    assert len(system.requests) == 3
    actions.save_tool(shop.kefu, definition=order(system, method="POST", retries=2))
    system.fail_next(503)
    assert called(shop, shop.start(), number="LL1").problem == "server_error"
    assert len(system.requests) == 4


@pytest.mark.parametrize(
    "arguments", [{}, {"number": ""}, {"number": "1", "more": "2"}, {"number": ".."}, {"number": "../admin"}]
)
def test_a_call_with_unfit_arguments_is_not_made(
    shop: Shop, system: FakeSystem, private_allowed: None, arguments: dict[str, Any]
) -> None:
    actions.save_tool(shop.kefu, definition=order(system))
    assert called(shop, shop.start(), **arguments).problem == "bad_input"
    assert system.requests == []
    assert called(shop, shop.start(), tool="nobody").problem == "no_tool"


@pytest.mark.parametrize(
    "number", ["a/b", "..admin", "x?y=1", "x#y", "@evil.example", "%2e%2e%2fadmin", "a\r\nX: y", "中文", "a\\b"]
)
def test_an_argument_stays_in_its_place(shop: Shop, system: FakeSystem, private_allowed: None, number: str) -> None:
    actions.save_tool(shop.kefu, definition=order(system))
    called(shop, shop.start(), number=number)
    [request] = system.requests
    assert request.path.startswith("/orders/")
    assert request.path.count("/") == 2
    assert not set("?#") & set(request.path)


# Where calls go


def test_private_addresses_are_refused_unless_they_are_allowed(shop: Shop, system: FakeSystem) -> None:
    actions.save_tool(shop.kefu, definition=order(system))
    outcome = called(shop, shop.start(), number="LL1")
    assert (outcome.state, outcome.problem) == (ToolState.FAILED, "address_refused")
    assert system.requests == []


def test_a_redirect_is_followed_to_allowed_hosts_alone_and_without_credentials(
    shop: Shop, system: FakeSystem, private_allowed: None
) -> None:
    with FakeSystem() as other:
        system.status, system.headers = 302, {"Location": f"{other.address.replace('127.0.0.1', 'localhost')}/there"}
        actions.save_tool(shop.kefu, definition=order(system), credentials=BEARER)
        assert called(shop, shop.start(), number="LL1").problem == "redirected"
        assert other.requests == []
        actions.save_tool(shop.kefu, definition=order(system, allowed_hosts=["localhost"]))
        assert called(shop, shop.start(), number="LL1").state is ToolState.DONE
        assert "authorization" not in other.requests[0].headers
        actions.save_tool(shop.kefu, definition=order(system, method="POST", allowed_hosts=["localhost"]))
        assert called(shop, shop.start(), number="LL1").problem == "refused"


def test_cookies_of_a_system_reach_no_other_call(shop: Shop, system: FakeSystem, private_allowed: None) -> None:
    from kefu.desk.assistants.tools.request import made

    system.headers = {"Set-Cookie": "session=mine"}
    spec = checked_spec(order(system))

    async def twice() -> None:
        sender = Sender()
        for _ in range(2):
            await sender.send(spec, made(spec, {"number": "1"}, {}))
        await sender.close()

    asyncio.run(twice())
    assert all("cookie" not in request.headers for request in system.requests)


def test_a_system_that_says_its_secret_back_does_not_show_it(system: FakeSystem) -> None:
    from kefu.desk.assistants.schemas.tools import tried
    from kefu.desk.assistants.tools.request import made

    spec = checked_spec(order(system))
    request = made(spec, {"number": "1"}, BEARER)
    answered = Answered(ToolState.DONE, {"status": "seen s3cret", "lines": [{"key": "s3cret"}, 2]}, status=200)
    shown = json.dumps(tried(request, Sent(answered)))
    assert "s3cret" not in shown
    assert '"lines": [{"key"' in shown


# What a tool may be


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "Shop Order"}, "name"),
        ({"url": "ftp://shop.example/x"}, "url is an address"),
        ({"url": "https://{host}/x"}, "host cannot be an argument"),
        ({"url": "https://me:secret@shop.example/x"}, "credentials"),
        ({"url": "/orders"}, "url is an address"),
        ({"url": "internal:../x"}, "internal"),
        ({"headers": {"Host": "evil.example"}}, "header"),
        ({"headers": {"X": "a\nb"}}, "one line"),
        ({"parameters": {"other": {}}}, "number"),
        ({"outputs": {"x": "$.["}}, "no JSON path"),
        ({"outputs": {"X-Y": "$.x"}}, "small letters"),
        ({"timeout_seconds": 300}, "timeout_seconds"),
        ({"retries": 99}, "retries"),
        ({"method": "TRACE"}, "method"),
        ({"colour": "red"}, "colour"),
        ({"body": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}, "deep"),
    ],
)
def test_what_is_no_tool_is_refused_with_the_reason(shop: Shop, change: dict[str, Any], says: str) -> None:
    definition = {"name": "x", "url": "https://shop.example/{number}", **change}
    with pytest.raises(BadInput, match=says):
        actions.save_tool(shop.kefu, definition=definition)


def test_credentials_are_sealed_never_shown_and_belong_to_a_place(shop: Shop, system: FakeSystem) -> None:
    made = actions.make_tool(shop.owner, definition=order(system), credentials=BEARER)
    assert made.credentials == {"kind": "bearer"}
    row = Tool.objects.of(shop.workspace_id).get()
    assert b"s3cret" not in bytes(row.sealed_credentials)
    kept = actions.save_tool(shop.owner, definition=order(system, description="Find one"))
    assert kept.credentials == {"kind": "bearer"}
    moved = actions.save_tool(shop.owner, definition=order(system, url="https://other.example/{number}"))
    assert moved.credentials is None
    audited = json.dumps([[entry.before, entry.after] for entry in AuditEntry.objects.of(shop.workspace_id)])
    assert "s3cret" not in audited
    with pytest.raises(Conflict):
        actions.make_tool(shop.owner, definition=order(system))


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.AGENT, Role.VIEWER])
def test_only_admins_change_tools(shop: Shop, system: FakeSystem, role: Role) -> None:
    member = shop.member(role)
    with pytest.raises(NotAllowed):
        actions.save_tool(member, definition=order(system))
    assert queries.tools(member) == []


def test_samples_answer_without_a_call() -> None:
    spec = checked_spec(
        {
            "name": "x",
            "url": "https://shop.example/{number}",
            "outputs": {"status": "$.status"},
            "samples": [
                {"when": {"number": "1"}, "body": {"status": "shipped"}},
                {"when": {"number": "2"}, "status": 404},
            ],
        }
    )
    runner = Samples({"x": spec})

    def answered(number: str) -> Any:
        asked = ToolCall("c", "x", {"number": number})
        return asyncio.run(runner.call(asked, conversation_id="c", turn_id="t"))

    assert answered("1").outputs == {"status": "shipped"}
    assert answered("2").problem == "not_found"
    assert answered("3").problem == "no_sample"
