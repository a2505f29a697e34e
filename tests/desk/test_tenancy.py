"""Nothing of one workspace is read or changed from another: every model, every query, every action.

The functions are found, not listed: one that is added later is walked too, and the test says what it cannot pass.
"""

import importlib
import inspect
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from django.apps import apps
from django.db import connection, transaction

from kefu.contracts.channel import Incoming, Part
from kefu.contracts.dataset import Dataset, Example
from kefu.contracts.tool import ToolCall
from kefu.desk import erasure, identify, merging
from kefu.desk.accounts import actions as accounts_actions
from kefu.desk.accounts import audit, second_factor, sign_ins, sign_on, team_actions, team_queries
from kefu.desk.accounts import queries as accounts_queries
from kefu.desk.actor import Actor, Role
from kefu.desk.assistants import actions as assistants_actions
from kefu.desk.assistants.calls import begin_call
from kefu.desk.calls.models import Call
from kefu.desk.contacts import actions as contacts_actions
from kefu.desk.contacts import attributes, care, tables
from kefu.desk.inbox import actions as inbox_actions
from kefu.desk.inbox import queries as inbox_queries
from kefu.desk.inbox.actions import promises, routes
from kefu.desk.inbox.queries import promises as promise_queries
from kefu.desk.inbox.queries import routing as routing_queries
from kefu.desk.library import actions as library_actions
from kefu.desk.library import queries as library_queries
from kefu.desk.library.due import read_sources
from kefu.desk.modelhub import actions as modelhub_actions
from kefu.desk.rows import Unscoped, WorkspaceRow, now
from kefu.desk.webhooks import actions as webhooks_actions
from kefu.kit.errors import BadInput, BadInstallation, Conflict, NotAllowed, NotFound, NotSignedIn
from kefu.kit.runtime import run
from kefu.knowledge.embedding import embed_passages
from kefu.knowledge.labels.content import dataset_of

from ..knowledge.toy_encoder import ToyEncoder
from .shops import Shop, claim, finish, made_shop
from .tiny_model import tiny_model

APPS = (
    *("accounts", "contacts", "library", "modelhub", "inbox", "calls"),
    *("assistants", "insights", "surveys", "webhooks", "copilot"),
)
MODELS = sorted((model for model in apps.get_models() if issubclass(model, WorkspaceRow)), key=lambda m: m.__name__)

READS: dict[str, Callable[[Any], Any]] = {
    "list": list,
    "bool": bool,
    "len": len,
    "first": lambda rows: rows.first(),
    "last": lambda rows: rows.last(),
    "one of them": lambda rows: rows[0],
    "some of them": lambda rows: list(rows[:2]),
    "get": lambda rows: rows.get(pk="1"),
    "filter": lambda rows: list(rows.filter(created_at__isnull=False)),
    "exclude": lambda rows: list(rows.exclude(created_at__isnull=True)),
    "values": lambda rows: list(rows.values()),
    "values_list": lambda rows: list(rows.values_list("pk")),
    "iterator": lambda rows: list(rows.iterator()),
    "count": lambda rows: rows.count(),
    "exists": lambda rows: rows.exists(),
    "contains": lambda rows: rows.contains(rows.model(pk="1")),
    "aggregate": lambda rows: rows.aggregate(),
    "in_bulk": lambda rows: rows.in_bulk(["1"]),
    "latest": lambda rows: rows.latest("created_at"),
    "locked": lambda rows: list(rows.select_for_update()),
    "raw": lambda rows: list(rows.raw(f"SELECT * FROM {rows.model._meta.db_table}")),
    "update": lambda rows: rows.update(created_at=None),
    "delete": lambda rows: rows.delete(),
    "get_or_create": lambda rows: rows.get_or_create(pk="1"),
    "update_or_create": lambda rows: rows.update_or_create(pk="1"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_no_rows_are_read_or_changed_without_naming_their_workspace(model: Any) -> None:
    let_through = []
    for name, read in READS.items():
        try:
            with transaction.atomic():
                read(model.objects.all())
            let_through.append(name)
        except Unscoped:
            pass
    assert let_through == []


@pytest.mark.django_db
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_scoped_rows_stay_scoped_when_they_are_narrowed(model: Any) -> None:
    rows = model.objects.of("ws_nobody").filter(pk__isnull=False).order_by("pk")
    assert (list(rows), rows.count(), rows.exists(), rows.first()) == ([], 0, False, None)


def test_crossing_workspaces_needs_a_reason() -> None:
    with pytest.raises(Unscoped, match="Say why"):
        MODELS[0].objects.across_workspaces("")


def test_every_table_but_the_workspace_belongs_to_one() -> None:
    desk = {model for model in apps.get_models() if model.__module__.startswith("kefu.")}
    # A person may be a member of several workspaces.
    assert {model.__name__ for model in desk - set(MODELS)} == {"Workspace", "User"}


# Functions of files of their own.
BESIDE = (
    *(team_actions, team_queries, routes, promises, routing_queries, promise_queries),
    *(audit, second_factor, sign_ins, sign_on, attributes, care, tables),
)

# Walking all functions

REFUSALS = (NotFound, NotSignedIn, NotAllowed, BadInput, BadInstallation, Conflict)


Rows = dict[str, list[dict[str, Any]]]  # of a workspace, by model
Ids = dict[str, Any]  # of one workspace's rows, by the name that parameters have for them


@pytest.fixture
def ours(db: None) -> Shop:
    return made_shop()


@pytest.fixture
def theirs(db: None) -> Shop:
    return made_shop()


def rows_of(shop: Shop) -> Ids:
    """A workspace with a row of every kind."""
    kefu = shop.kefu
    member = shop.member(Role.AGENT)
    thread = shop.start(external_id="customer-7", profile={"name": "Mia Novak"})
    file = inbox_actions.add_attachment(kefu, conversation_id=thread, name="receipt.txt", data=b"Paid in full")
    said = inbox_actions.receive_message(
        shop.program, conversation_id=thread, text="Call me at 138 0013 8000", attachments=[file.id]
    )
    [turn] = [each for each in claim() if each.conversation_id == thread]
    finish(turn)
    inbox_actions.mark_read(member, conversation_id=thread, sequence=1)
    source = library_actions.add_article(kefu, title="Delivery", text="Delivery costs ¥12.")
    encoders = {"*": ToyEncoder()}
    read_sources(shop.workspace_id, [source.id], embed=lambda passages: run(embed_passages(passages, encoders)))
    [document] = library_queries.documents(kefu, source.id)
    contact_id = inbox_queries.conversation(kefu, thread).contact_id
    trained = models_of(shop) | flows_of(shop, thread) | team_of(shop, member.id)
    return Ids(
        **trained,
        workspace_id=shop.workspace_id,
        conversation_id=thread,
        call_id=Call.objects.create(workspace_id=shop.workspace_id, conversation_id=thread, lease_until=now()).id,
        message_id=said.message.id,
        turn_id=said.turn_id,
        attachment_id=file.id,
        attachments=[file.id],
        channel_id=shop.channel_id,
        contact_id=contact_id,
        member_id=member.id,
        key_id=accounts_actions.create_key(kefu, name="program").key.id,
        webhook_id=webhooks_actions.add_webhook(
            kefu, name="CRM", url="https://crm.example", events=["message_created"]
        ).webhook.id,
        source_id=source.id,
        document_id=document.id,
        document_ids=[document.id],
        passage_id=library_queries.passages(kefu, document.id)[0].id,
        contact_ids={contact_id},
        member_ids={member.id},
        conversation_ids=[thread],
        **sorted_by(shop, member, thread),
        ids=[passage.id for passage in library_queries.passages(kefu, document.id)],
    )


def sorted_by(shop: Shop, member: Actor, thread: str) -> Ids:
    """A label of the conversation, a view, a canned reply, a draft, a note that names a member; another contact."""
    label = inbox_actions.add_label(shop.owner, title="VIP")
    inbox_actions.label(shop.kefu, conversation_id=thread, add=[label.id])
    view = inbox_actions.save_view(shop.owner, name="With bots", chosen={"status": ["bot"]}, is_shared=True)
    canned = inbox_actions.add_canned(shop.owner, shortcut="hi", text="Hi {{ contact.name }}", is_shared=True)
    inbox_actions.keep_draft(member, conversation_id=thread, text="Dear Mia")
    inbox_actions.note(shop.owner, conversation_id=thread, text="Look here", mentions=[member.id])
    other = inbox_queries.conversation(shop.kefu, shop.start(external_id="customer-8")).contact_id
    return Ids(
        label_id=label.id, add=[label.id], remove=[label.id], view_id=view.id, canned_id=canned.id, other_id=other
    )


def team_of(shop: Shop, member_id: str) -> Ids:
    """A team with a member, that all who wait come to, and what it promises."""
    team = team_actions.create_team(shop.kefu, name="Support", members=[member_id])
    routes.set_routing(shop.kefu, default_team=team.id)
    policy = promises.create_policy(shop.kefu, name="All", first_reply_seconds=60, conditions={"teams": [team.id]})
    return Ids(team_id=team.id, team_ids={team.id}, default_team=team.id, policy_id=policy.id)


GREET_TESTS = """schema: kefu.flow-test/v1
tests: [{name: greets, turns: [{say: hello}]}]
"""
FLOW = """schema: kefu.flow/v1
id: greet
name: {en: Greet}
languages: [en]
when: {keywords: {en: [greet me]}}
steps: [{say: {en: Hi}}]
"""


def flows_of(shop: Shop, conversation_id: str) -> Ids:
    """A flow that is live, a tool that was called in a conversation, and a file of tests."""
    flow = assistants_actions.save_flow(shop.kefu, text=FLOW)
    assistants_actions.publish_flow(shop.kefu, flow_id=flow.info.id)
    tool = assistants_actions.save_tool(shop.kefu, definition={"name": "greet", "url": "https://greet.example/{name}"})
    asked = ToolCall("call-1", "greet", {"name": "Mia"})
    begin_call(shop.workspace_id, conversation_id=conversation_id, turn_id="turn", asked=asked)
    file = assistants_actions.save_suite_file(shop.kefu, name="greet.yaml", text=GREET_TESTS)
    return Ids(flow_id=flow.info.id, tool_id=tool.id, file_id=file.id)


def models_of(shop: Shop) -> Ids:
    """A dataset, a model with a version that is live, and a run; under every name that parameters have for them."""
    data = modelhub_actions.add_dataset(shop.kefu, name="intents", file_name="intents.csv", data=b"text,label\na,b\n")
    with tempfile.TemporaryDirectory() as folder:
        version = modelhub_actions.register_folder(
            shop.kefu, name="intents", folder=tiny_model(Path(folder) / "intents"), role="intent", go_live=True
        ).version
    run = modelhub_actions.check(shop.kefu, dataset_id=data.id)
    of_data = dict.fromkeys(("dataset_version_id", "train", "valid", "against"), data.latest.id)
    of_version = dict.fromkeys(("version_id", "extend", "candidate", "champion"), version.id)
    return Ids(dataset_id=data.id, dataset=data.id, run_id=run.id, model_id=version.model_id, **of_data, **of_version)


# What parameters that name no row are given; others get something of their type.
VALUES: dict[str, Any] = {
    "value": "up",
    "email": "stranger@example.com",
    "slug": "a-stranger",
    "url": "https://example.com/",
    "encoders": frozenset({"toy@1"}),
    "policy": {"tone": "strange"},
    "reference": "scripted:stranger",
    "recipe": "linear",
    "folder": Path("nowhere"),
    "at": now(),
}
OF_TYPE: dict[Any, Any] = {
    str: "stranger",
    int: 1,
    bool: False,
    bytes: b"stranger",
    Dataset: dataset_of([Example("stranger", "strange", 1)], mapping={}, format="csv"),
    Incoming: Incoming(contact="stranger", external_id="stranger", parts=(Part("text", text="stranger"),)),
    Role: Role.VIEWER,
    dict: {},
    Mapping: {},
    list: [],
}
FIRST = ("actor", "workspace_id")


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Each public function of an app's queries and actions that says for whom it works, with its name.

    Those that take rows are called by the others, which have found the rows.
    """
    modules = [importlib.import_module(f"kefu.desk.{app}.{part}") for app in APPS for part in ("queries", "actions")]
    for module in [*modules, *BESIDE, erasure, identify, merging]:
        for name, found in inspect.getmembers(module, inspect.isfunction):
            own = found.__module__.startswith(module.__name__) and not name.startswith("_")
            if own and next(iter(inspect.signature(found).parameters), "") in FIRST and not takes_rows(found):
                yield f"{module.__name__.removeprefix('kefu.desk.')}.{name}", found


def takes_rows(call: Callable[..., Any]) -> bool:
    kinds = [parameter.annotation for parameter in inspect.signature(call).parameters.values()]
    return any(kind is model or model in get_args(kind) for kind in kinds for model in MODELS)


WALKED = dict(functions())
# Called with ids of a conversation that the caller has checked.
CHECKED_BEFORE = frozenset({"accounts.queries.conversation_events", "inbox.queries.reply_of"})


# By what id a channel knows a customer is the channel's business: its door has checked who knocks.
FOR_CHANNELS = frozenset({"contacts.actions.meet", "contacts.actions.name", "identify.identify"})


def test_the_walk_finds_what_there_is() -> None:
    assert len(WALKED) > 50
    assert {"inbox.actions.receive_message", "library.queries.document", "erasure.export"} <= set(WALKED)


def test_a_change_is_seen_though_it_is_undone(ours: Shop) -> None:
    watched = {ours: everything_of(ours)}
    _, after = called(inbox_actions.add_label, ours.owner, {"title": "Seen"}, watched=watched)
    assert after is not None
    assert [row["title"] for row in after[ours]["Label"]] == ["Seen"]
    assert everything_of(ours) == watched[ours]


def test_a_stranger_finds_and_changes_nothing(ours: Shop, theirs: Shop) -> None:
    mine = rows_of(ours)
    before = everything_of(ours)
    watched = {ours: before, theirs: everything_of(theirs)}
    for stranger in (theirs.owner, theirs.kefu, theirs.program):
        for name, call in WALKED.items():
            found, after = called(call, stranger, mine, watched=watched)
            if after is None:
                continue
            assert not ids_in(found) & ids_in(mine), f"{name} shows another workspace's rows"
            assert after[ours] == before, f"{name} changed another workspace's rows"
            # Contacts are below channels and take their callers' word for one.
            ties = ids_in(after[theirs]) & ids_in(mine) - ({ours.channel_id} if name in FOR_CHANNELS else set())
            assert not ties, f"{name} ties a row to another workspace's"


def test_a_visitor_reaches_nobody_elses_conversation(ours: Shop) -> None:
    mine = rows_of(ours)
    stranger = ours.visitor()
    secret = ids_in(
        [mine[name] for name in ("conversation_id", "message_id", "attachment_id", "turn_id", "contact_id")]
    )
    kinds = (
        "Conversation",
        "Message",
        "Attachment",
        "Turn",
        "Member",
        "ApiKey",
        "Source",
        "Document",
        "ReadMark",
        "Label",
        "Mention",
        "Draft",
        "CannedReply",
        "SavedView",
        "Call",
        "Assistant",
        "Flow",
        "FlowVersion",
        "Tool",
        "ToolCall",
        "SuiteFile",
        "Dataset",
        "DatasetVersion",
        "Model",
        "Run",
        "Version",
        "Promotion",
    )
    watched = {ours: everything_of(ours)}
    before = {kind: rows for kind, rows in watched[ours].items() if kind in kinds}
    for name, call in WALKED.items():
        if not works_for_an_actor(call) or name in CHECKED_BEFORE:
            continue
        found, after = called(call, stranger, mine, watched=watched)
        if after is None:
            continue
        assert not ids_in(found) & secret, f"{name} shows a visitor somebody else's rows"
        for kind in kinds:
            kept = {row["id"]: row for row in after[ours][kind]}
            assert [kept.get(row["id"]) for row in before[kind]] == before[kind], (
                f"{name} let a visitor change a {kind}"
            )


def test_a_key_without_a_scope_sees_and_does_nothing(ours: Shop) -> None:
    mine = rows_of(ours)
    before = everything_of(ours)
    nothing = Actor(ours.workspace_id, "key", "key_of_nothing")
    for name, call in WALKED.items():
        returned = inspect.signature(call).return_annotation
        if not works_for_an_actor(call) or returned in MODELS or name in CHECKED_BEFORE | FOR_CHANNELS:
            continue
        found, after = called(call, nothing, mine, watched={ours: before})
        assert not found, f"{name} shows something to a key without a scope"
        assert after is None or after[ours] == before, f"{name} lets a key without a scope change something"


class Undone(Exception):
    """Ends a transaction that is not to be kept."""


def called(
    call: Callable[..., Any], actor: Actor, ids: Ids, *, watched: Mapping[Shop, Rows]
) -> tuple[Any, dict[Shop, Rows] | None]:
    """What a function gave and how it left the watched shops' rows; nothing of it stays. None of both if it refused.

    `watched` are the rows as they are now. They are read again only if the database says that any row was changed.
    """
    found, after, changed = None, None, rows_changed()
    with suppress(Undone), transaction.atomic():
        try:
            with transaction.atomic():
                first = actor if works_for_an_actor(call) else actor.workspace_id
                found = call(first, **arguments(call, ids))
                found = list(found) if inspect.isgenerator(found) else found
        except REFUSALS:
            return None, None
        is_changed = rows_changed() != changed
        after = {shop: everything_of(shop) if is_changed else rows for shop, rows in watched.items()}
        raise Undone
    return found, after


def rows_changed() -> int:
    """How many rows this connection has inserted, updated and deleted so far, undone ones included."""
    if connection.vendor == "sqlite":
        return int(connection.connection.total_changes)
    with connection.cursor() as cursor:
        cursor.execute("SELECT SUM(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables")
        return int(cursor.fetchone()[0] or 0)


def works_for_an_actor(call: Callable[..., Any]) -> bool:
    return next(iter(inspect.signature(call).parameters)) == "actor"


def arguments(call: Callable[..., Any], ids: Ids) -> dict[str, Any]:
    """Another workspace's ids for every parameter that takes one, and something for the others that need one."""
    given = {}
    for name, parameter in list(inspect.signature(call).parameters.items())[1:]:
        if name in ids:
            given[name] = ids[name]
        elif parameter.default is inspect.Parameter.empty and parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            given[name] = VALUES[name] if name in VALUES else something(parameter.annotation)
    return given


def something(annotation: Any) -> Any:
    """A value of this type; of a union of the first that there is one for."""
    kinds = [annotation, get_origin(annotation), *get_args(annotation)]
    return next((OF_TYPE[kind] for kind in kinds if kind in OF_TYPE), None)


def everything_of(shop: Shop) -> Rows:
    """Every row of a workspace, by model; last uses and logs of the shop itself included."""
    return {
        model.__name__: list(model.objects.of(shop.workspace_id).order_by("pk").values())
        for model in MODELS
        if model.__name__ not in {"Event", "AuditEntry"}
    }


def ids_in(value: Any) -> set[str]:
    """All ids that stand anywhere in a value: they begin with their kind and are unlike any other word."""
    return set(re.findall(r"\b[a-z]+_[0-9a-z]{20,}\b", repr(value)))


def test_members_of_two_workspaces_are_told_apart(ours: Shop, theirs: Shop) -> None:
    member = ours.member(Role.AGENT)
    with pytest.raises(NotSignedIn):
        accounts_queries.actor_of_member(theirs.workspace_id, member.id)


def test_a_ticket_opens_the_workspace_it_was_made_in(ours: Shop, theirs: Shop) -> None:
    ticket = accounts_actions.make_ticket(ours.owner)
    assert accounts_actions.redeem_ticket(ticket).workspace_id == ours.workspace_id
    with pytest.raises(NotSignedIn):
        accounts_actions.redeem_ticket(ticket)


def test_an_id_of_a_customer_means_another_customer_elsewhere(ours: Shop, theirs: Shop) -> None:
    met = {
        contacts_actions.meet(shop.kefu, channel_id=ours.channel_id, external_id="customer-7")
        for shop in (ours, theirs)
    }
    assert len(met) == 2
