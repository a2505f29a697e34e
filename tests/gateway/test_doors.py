"""Every route of both doors, found in their own descriptions, tried by those who have no business there.

A stranger, another workspace's owner, program and visitor, and a viewer bring the ids of a workspace's rows. They are
refused, nothing of its rows is in any answer, and nothing of its rows has changed afterwards.
"""

import contextlib
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.apps import apps
from django.test import Client

from kefu.desk.accounts import actions as accounts
from kefu.desk.accounts.models import Member
from kefu.desk.actor import Actor, Role, system
from kefu.desk.assistants import actions as assistants
from kefu.desk.contacts import actions as contacts
from kefu.desk.contacts import attributes, care
from kefu.desk.inbox import actions as inbox
from kefu.desk.inbox import due, handing, queries
from kefu.desk.library import actions as library
from kefu.desk.library import queries as library_queries
from kefu.desk.library.due import read_sources
from kefu.desk.modelhub import actions as modelhub
from kefu.desk.modelhub.due import finish
from kefu.desk.rows import WorkspaceRow
from kefu.desk.wiring import wiring
from kefu.gateway.gate import visitor_token
from kefu.kit.errors import Conflict

from ..desk.shops import outcome
from ..desk.tiny_model import tiny_model
from .conftest import wait_until_read
from .rows_of_every_kind import logic_of, routed_of, sorted_of, waiting_of
from .test_dispatch import eventually

# Clients are made with verify=False, since reading certificates takes a tenth of a second and nothing is encrypted.
REFUSED = {401, 403, 404}
# What a stranger may do: see that nobody is signed in, try to sign in, become a visitor, look whether Kefu lives.
OPEN_TO_STRANGERS = {
    ("get", "/desk/api/session"),
    ("get", "/desk/api/session/ways"),  # how one comes in: asked before one is in
    ("post", "/v1/channels/{channel_id}/visitors"),
    ("get", "/healthz"),
    ("get", "/readyz"),
}
# What a viewer may do that is not reading: everything of it is their own.
VIEWERS_OWN = {
    ("post", "/desk/api/session"),
    ("delete", "/desk/api/session"),
    ("patch", "/desk/api/session"),
    ("post", "/desk/api/session/password"),
    ("post", "/desk/api/session/code"),
    ("post", "/desk/api/session/second-factor/app"),
    ("put", "/desk/api/session/second-factor/app"),
    ("post", "/desk/api/session/second-factor/recovery-codes"),
    ("post", "/desk/api/session/second-factor/off"),
    ("delete", "/desk/api/session/list"),
    ("delete", "/desk/api/session/list/{session_id}"),
    ("put", "/desk/api/session/availability"),
    ("post", "/desk/api/invitations/{token}"),
    ("post", "/desk/api/live-ticket"),
    ("post", "/desk/api/inbox/conversations/{conversation_id}/read"),
    ("post", "/desk/api/inbox/conversations/{conversation_id}/mentions/seen"),
    ("post", "/desk/api/insights/weekly/mail"),  # to themselves
    # Nothing is stored: what a text that they bring means.
    ("post", "/desk/api/flows/check"),
}
SECRET_TEXTS = ("Mia Novak", "mia@shop.example", "138 0013 8000", "Zanzibar", "sk-of-the-generator")
PERSONAL = ("Mia Novak", "mia@shop.example", "138 0013 8000", "sk-of-the-generator", "customer-7")


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    described: dict[str, Any]
    schemas: dict[str, Any]

    @property
    def place(self) -> tuple[str, str]:
        return self.method, self.path

    @property
    def names_rows(self) -> bool:
        return "{" in self.path

    def sent(self, client: httpx.Client, ids: dict[str, str]) -> tuple[int, str]:
        """The status and the beginning of the answer to this operation with a body that fits and these ids."""
        path = re.sub(r"{(\w+)}", lambda name: ids[name[1]], self.path)
        query = {
            each["name"]: self._value(each["schema"], each["name"], ids)
            for each in self.described.get("parameters", [])
            if each["in"] == "query" and each.get("required")
        }
        with client.stream(self.method, path, params=query, **self._body(ids)) as answer:
            kind = answer.headers.get("content-type", "")
            if kind.startswith("text/event-stream"):
                return answer.status_code, next(answer.iter_text(), "")
            return answer.status_code, answer.read().decode(errors="replace")

    def _body(self, ids: dict[str, str]) -> dict[str, Any]:
        content = self.described.get("requestBody", {}).get("content", {})
        if "multipart/form-data" in content:
            form = self._value(content["multipart/form-data"]["schema"], "", ids)
            fields = {name: value for name, value in form.items() if name != "file"}
            return {"files": {"file": ("stranger.md", b"# Stranger")}, "data": fields}
        if "application/json" not in content:
            return {}
        return {"json": self._value(content["application/json"]["schema"], "", ids)}

    def _value(self, schema: dict[str, Any], name: str, ids: dict[str, str]) -> Any:
        if "$ref" in schema:
            schema = self.schemas[schema["$ref"].rpartition("/")[2]]
        if name in ids and "enum" not in schema:
            return ids[name]
        for several in ("anyOf", "allOf", "oneOf"):
            if several in schema:
                return self._value(next(each for each in schema[several] if each.get("type") != "null"), name, ids)
        if "enum" in schema or "const" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        if schema.get("type") == "object":
            wanted = set(schema.get("required", ())) | (set(ids) & set(schema.get("properties", {})))
            return {each: self._value(schema["properties"][each], each, ids) for each in sorted(wanted)}
        if schema.get("type") == "array":
            return [self._value(schema["items"], "", ids)] * schema.get("minItems", 0)
        plain = {"integer": 1, "number": 1, "boolean": False, "string": "stranger"}
        return plain[schema.get("type", "string")]


@pytest.fixture
def operations(address: str) -> list[Operation]:
    found = []
    for document in ("/v1/openapi.json", "/desk/api/openapi.json"):
        described = httpx.get(f"{address}{document}", timeout=60).json()
        found += [
            Operation(method, path, operation, described["components"]["schemas"])
            for path, methods in described["paths"].items()
            for method, operation in methods.items()
        ]
    assert len(found) > 80
    return found


@dataclass(frozen=True)
class Theirs:
    """A workspace with a row of every kind. `ids` by the names that paths and bodies have for them."""

    workspace_id: str
    ids: dict[str, str]

    def rows(self) -> dict[str, Any]:
        """Everything that is stored of it, but the log of events, which tells of reading too, and what the server makes
        by itself of what was just added: a fit to its knowledge, figures of what has happened."""
        own = {"Event", "LiveTicket", "ReadMark", "Rehearsal", "ReportingEvent", "RollUp"}
        return {
            model.__name__: sorted(map(str, model.objects.of(self.workspace_id).values(*_columns(model))))
            for model in apps.get_models()
            if issubclass(model, WorkspaceRow) and model.__name__ not in own
        }


def _columns(model: Any) -> list[str]:
    """What is compared of a row: not up to where the log of events was read for it."""
    return [field.attname for field in model._meta.fields if (model.__name__, field.attname) != ("Webhook", "after")]


@pytest.fixture
def theirs(address: str) -> Theirs:
    info = accounts.make_workspace(slug="theirs", title="Zanzibar Shop")
    kefu = system(info.id)
    settings = {"title": "Zanzibar Help", "nobody_came_seconds": 0}
    channel = inbox.make_channel(kefu, kind="web", name="Website", settings=settings)
    source = library.add_article(kefu, title="Zanzibar", text="A parcel to Zanzibar costs ¥90.")
    entry = library.add_faq(kefu, question="Do you ship to Zanzibar?", answer="Yes, to Zanzibar.")
    read_sources(info.id, [source.id, entry.id], embed=wiring().embed)
    wait_until_read(kefu, [source.id, entry.id])
    [page] = library_queries.documents(kefu, source.id)
    invited = accounts.invite(kefu, email="mia@shop.example", role=Role.AGENT, name="Mia Novak")
    assistants.set_generator(
        kefu, reference="scripted:x", options={"default": "Zanzibar", "extra": {"key": "sk-of-the-generator"}}
    )
    thread = inbox.start_conversation(
        kefu,
        channel_id=channel.id,
        external_id="customer-7",
        profile={"name": "Mia Novak", "email": "mia@shop.example"},
    )
    file = inbox.add_attachment(kefu, conversation_id=thread.id, name="Mia Novak.txt", data=b"To Zanzibar, by boat")
    said = inbox.receive_message(
        kefu, conversation_id=thread.id, text="To Zanzibar? I am at 138 0013 8000", attachments=[file.id]
    )
    # The running server answers too; whoever comes first, the turn has an outcome before anybody looks.
    for claimed in due.claim_turns(worker="tests", limit=100, lease_seconds=60):
        due.finish_turns(worker="tests", outcomes=[(claimed.id, outcome("To Zanzibar: ¥90."), {"steps": []})])
    eventually(lambda: queries.turn(kefu, str(said.turn_id)).state == "done")
    inbox.ask_for_member(kefu, conversation_id=thread.id)
    eventually(lambda: info.id not in handing.due_workspaces())  # it has looked for somebody to give it to
    contact_id = queries.conversation(kefu, thread.id).contact_id
    ids = {
        **models_of(kefu),
        **logic_of(kefu),
        **waiting_of(kefu, thread.id),
        **sorted_of(kefu, thread.id),
        **routed_of(kefu),
        "kind": "pigeon",
        "key": attributes.define(kefu, key="zanzibar", title="Zanzibar").key,
        "note_id": care.add_note(kefu, contact_id=contact_id, text="Calls from Zanzibar").id,
        "session_id": "ses_stranger",
        "name": "stranger",
        "workspace": info.slug,
        "conversation_id": thread.id,
        "message_id": said.message.id,
        "turn_id": str(said.turn_id),
        "attachment_id": file.id,
        "text": "stranger",
        "channel_id": channel.id,
        "channel": channel.id,
        "contact_id": contact_id,
        "source_id": source.id,
        "document_id": page.id,
        "passage_id": library_queries.passages(kefu, page.id)[0].id,
        "faq_id": library_queries.faqs(kefu)[0].id,
        "member_id": invited.member.id,
        "member": invited.member.id,
        "key_id": accounts.create_key(kefu, name="Zanzibar").key.id,
        "token": "not-a-token",
    }
    return Theirs(info.id, ids)


def models_of(kefu: Actor) -> dict[str, str]:
    """A dataset, a model that is live, and a run that nobody will take up."""
    data = modelhub.add_dataset(kefu, name="Zanzibar", file_name="z.csv", data=b"text,label\nTo Zanzibar,delivery\n")
    with tempfile.TemporaryDirectory() as folder:
        place = tiny_model(Path(folder) / "zanzibar")
        version = modelhub.register_folder(kefu, name="Zanzibar", folder=place, role="intent", go_live=True).version
    run = modelhub.check(kefu, dataset_id=data.id)
    with contextlib.suppress(Conflict):  # the running server was quicker
        modelhub.cancel(kefu, run_id=run.id)
    finish(kefu.workspace_id, run.id, seconds=60)
    return {"dataset_id": data.id, "model_id": version.model_id, "version_id": version.id, "run_id": run.id}


@pytest.fixture
def elsewhere() -> Actor:
    """Another workspace's owner."""
    info = accounts.make_workspace(slug="elsewhere")
    made = accounts.invite(system(info.id), email="owner@elsewhere.example", role=Role.OWNER)
    inbox.make_channel(system(info.id), kind="web", name="Website")
    return Actor(info.id, "member", made.member.id, role=Role.OWNER)


@contextlib.contextmanager
def signed_in(address: str, actor: Actor) -> Iterator[httpx.Client]:
    """A member's browser, with the token of its session."""
    browser = Client()
    browser.force_login(Member.objects.of(actor.workspace_id).select_related("user").get(id=actor.id).user)
    with httpx.Client(base_url=address, timeout=60, verify=False) as client:
        client.cookies.set("kefu_session", browser.cookies["kefu_session"].value, path="/desk")
        client.headers["X-CSRFToken"] = client.get("/desk/api/session").json()["csrf"]
        yield client


def bearing(address: str, token: str) -> httpx.Client:
    return httpx.Client(base_url=address, timeout=60, verify=False, headers={"Authorization": f"Bearer {token}"})


def assert_nothing_shown(theirs: Theirs, place: tuple[str, str], text: str, words: tuple[str, ...]) -> None:
    told = json.loads(text) if text.startswith("{") else {}
    if isinstance(told.get("status"), int):  # a refusal may name the row that the caller asked for
        words = tuple(word for word in words if word not in theirs.ids.values())
    shown = [word for word in words if word in text]
    assert not shown, f"{place} shows {shown}: {text[:500]}"


def test_strangers_are_refused_everywhere(address: str, operations: list[Operation], theirs: Theirs) -> None:
    before = theirs.rows()
    for operation in operations:
        with httpx.Client(base_url=address, timeout=60, verify=False) as nobody:
            status, text = operation.sent(nobody, theirs.ids)
        if operation.place not in OPEN_TO_STRANGERS:
            assert status in REFUSED, f"{operation.place} answers a stranger with {status}: {text[:300]}"
            assert_nothing_shown(theirs, operation.place, text, (*SECRET_TEXTS, theirs.workspace_id))
    after = theirs.rows()
    after["Contact"] = [row for row in after["Contact"] if row in before["Contact"]]  # who became a visitor
    assert after == before


def test_another_workspaces_owner_finds_nothing(
    address: str, operations: list[Operation], theirs: Theirs, elsewhere: Actor
) -> None:
    own = {
        ("delete", "/desk/api/contacts/attributes/{key}"),  # of this name they have defined one a moment before
        ("post", "/desk/api/copilot/rewrite"),  # brings a text, and no model that could write is set up
        ("post", "/desk/api/assistant/speech"),  # brings a text, and would load the voice to say it
        ("post", "/desk/api/inbox/views"),  # their own view says again what they wrote; it finds nothing
    }
    desk = [each for each in operations if each.path.startswith("/desk/") and each.place not in own]
    walk(theirs, desk, lambda: signed_in(address, elsewhere))


@pytest.mark.parametrize("kind", ["program", "visitor"])
def test_another_workspaces_program_and_visitor_find_nothing(
    address: str, operations: list[Operation], theirs: Theirs, elsewhere: Actor, kind: str
) -> None:
    public = [each for each in operations if each.path.startswith("/v1/") and each.place not in OPEN_TO_STRANGERS]
    if kind == "program":
        token = accounts.create_key(system(elsewhere.workspace_id), name="program").secret
    else:
        token = visitor_of(elsewhere.workspace_id)
    walk(theirs, public, lambda: bearing(address, token))


def test_another_visitor_of_the_same_channel_finds_nothing(
    address: str, operations: list[Operation], theirs: Theirs
) -> None:
    public = [each for each in operations if each.path.startswith("/v1/") and each.place not in OPEN_TO_STRANGERS]
    allowed = {("post", "/v1/conversations")}  # a conversation of their own
    token = visitor_of(theirs.workspace_id, theirs.ids["channel_id"])
    walk(theirs, [each for each in public if each.place not in allowed], lambda: bearing(address, token))


def walk(theirs: Theirs, operations: list[Operation], entered: Any) -> None:
    """Try each operation with ids of `theirs`, as somebody who has entered anew each time."""
    before = theirs.rows()
    for operation in operations:
        with entered() as client:
            status, text = operation.sent(client, theirs.ids)
        assert status < 500, f"{operation.place}: {text[:500]}"
        if operation.names_rows:
            assert status in REFUSED, f"{operation.place} answers with {status}: {text[:300]}"
        words = (*SECRET_TEXTS, theirs.workspace_id, *(theirs.ids[name] for name in theirs.ids if name.endswith("_id")))
        assert_nothing_shown(theirs, operation.place, text, words)
        assert theirs.rows() == before, f"{operation.place} changes what is not the caller's"


def test_viewers_read_without_personal_data_and_change_nothing(
    address: str, operations: list[Operation], theirs: Theirs
) -> None:
    made = accounts.invite(system(theirs.workspace_id), email="viewer@shop.example", role=Role.VIEWER)
    viewer = Actor(theirs.workspace_id, "member", made.member.id, role=Role.VIEWER)
    before = theirs.rows()
    for operation in operations:
        if not operation.path.startswith("/desk/"):
            continue
        with signed_in(address, viewer) as client:
            status, text = operation.sent(client, theirs.ids)
        assert status < 500, f"{operation.place}: {text[:500]}"
        if operation.method != "get" and operation.place not in VIEWERS_OWN:
            assert status in REFUSED, f"{operation.place} answers a viewer with {status}: {text[:300]}"
        # Members' own names and addresses are known to members.
        if operation.path not in {"/desk/api/members", "/desk/api/settings"}:
            assert_nothing_shown(theirs, operation.place, text, PERSONAL)
        assert theirs.rows() == before, f"{operation.place} lets a viewer change something"


def visitor_of(workspace_id: str, channel_id: str | None = None) -> str:
    kefu = system(workspace_id)
    channel_id = channel_id or queries.channels(kefu)[0].id
    contact_id = contacts.meet(kefu, channel_id=channel_id)
    return visitor_token(workspace_id=workspace_id, channel_id=channel_id, contact_id=contact_id)
