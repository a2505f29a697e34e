"""What a first start makes: an owner with a one-time password, and for `--demo` a workspace with something to ask."""

from dataclasses import dataclass
from pathlib import Path

import kefu
from kefu.desk.accounts import actions as accounts_actions
from kefu.desk.accounts import queries as accounts
from kefu.desk.actor import Actor, Role, system
from kefu.desk.demo_flows import learn_flows
from kefu.desk.demo_intents import learn_intents
from kefu.desk.inbox import actions as inbox_actions
from kefu.desk.inbox import queries as inbox
from kefu.desk.library import actions as library_actions
from kefu.desk.library.due import Progress, read_sources
from kefu.desk.library.queries import SourceInfo, sources
from kefu.desk.wiring import wiring
from kefu.kit.errors import NotFound
from kefu.kit.memory import give_back

DEMO = "demo"
OWNER = "owner@kefu.example"


@dataclass(frozen=True)
class Begun:
    """The workspace and the owner that were made; the password is shown once."""

    workspace: str
    email: str
    password: str


def first_start(*, demo: bool, progress: Progress | None = None) -> Begun | None:
    """Make what is missing: the demo workspace if asked for, else a first workspace where there is none.

    Gives the owner if one was made. Stopped half-way, the next start goes on.
    """
    slug = DEMO if demo else "default"
    if not demo and any(each.slug != slug for each in accounts.workspaces()):
        return None
    info, _ = accounts_actions.workspace_made_if_new(slug)
    actor = system(info.id, "first start")
    if not any(channel.kind == "web" for channel in inbox.channels(actor)):  # one that is switched off counts too
        inbox_actions.make_channel(actor, kind="web", name="Website", settings=_web_settings(demo=demo))
    if demo:
        _demo_knowledge(actor, progress)
        learn_intents(actor, progress)
        learn_flows(actor)
    # Last, so that a start that is stopped half-way does not take with it the password that it never printed.
    return _owner(actor, slug)


def demo_channel() -> str | None:
    """The demo workspace's web channel, if there is one."""
    try:
        info = accounts.workspace_named(DEMO)
    except NotFound:
        return None
    channel = inbox.channel_of_kind(system(info.id), "web")
    return channel.id if channel else None


def _owner(actor: Actor, slug: str) -> Begun | None:
    if accounts.members(actor):
        return None
    made = accounts_actions.create_member(actor, email=OWNER, name="Owner", role=Role.OWNER)
    return Begun(slug, made.member.email, made.password) if made.password else None


def _web_settings(*, demo: bool) -> dict[str, object]:
    if not demo:
        return {}
    return {
        "title": "Lumen & Loom",
        "greeting": {
            "en": "Hello! Ask me anything about orders, delivery, returns and your account.",
            "zh": "您好！订单、配送、退换货和账户的问题都可以问我。",
        },
        "quick_replies": {
            # The demo FAQ's own wordings: a first click shows an approved answer.
            "en": [
                "How much is delivery and how long does it take?",
                "How do I return an item?",
                "How long does a refund take?",
            ],
            "zh": ["运费多少，多久能到？", "怎么申请退货？", "退款多久到账？"],
        },
    }


def _demo_knowledge(actor: Actor, progress: Progress | None) -> None:
    folder = Path(kefu.__file__).parent / "demo"
    known = {source.name for source in _ready_sources(actor)}
    files = [*sorted((folder / "faq").glob("*.csv")), *sorted((folder / "articles").rglob("*.md"))]
    missing = [path for path in files if path.relative_to(folder).as_posix() not in known]
    ids = [
        library_actions.add_file(actor, name=path.relative_to(folder).as_posix(), data=path.read_bytes()).id
        for path in missing
    ]
    if ids:
        told = progress or _silent
        total = len(ids)  # each source is one document, so what is still to be read is known from the start
        told(missing[0].relative_to(folder).as_posix(), 0, total)  # the FAQ comes first, and takes a minute
        read_sources(
            actor.workspace_id, ids, embed=wiring().embed, progress=lambda name, done, _: told(name, done, total)
        )
        wiring().rehearse(actor.workspace_id)
        give_back()


def _silent(name: str, done: int, found: int) -> None:
    """Progress that nobody looks at."""


def _ready_sources(actor: Actor) -> list[SourceInfo]:
    return [source for source in sources(actor) if source.state == "ready"]
