"""What a first start makes, and that the next one, after a start that was stopped too, makes only what is missing."""

from pathlib import Path

import numpy as np
import pytest

import kefu
from kefu.contracts.index import IndexedPassage, PassageVectors
from kefu.desk import demo_intents
from kefu.desk.accounts import actions as accounts_actions
from kefu.desk.accounts import queries as accounts
from kefu.desk.actor import Role, system
from kefu.desk.assistants import actions as assistants_actions
from kefu.desk.assistants import queries as assistants
from kefu.desk.demo_intents import NAME, learn_intents
from kefu.desk.first_start import DEMO, OWNER, demo_channel, first_start
from kefu.desk.inbox import actions as inbox_actions
from kefu.desk.inbox import queries as inbox
from kefu.desk.library import actions as library_actions
from kefu.desk.library import queries as library
from kefu.desk.library.due import read_sources
from kefu.desk.modelhub import actions as modelhub_actions
from kefu.desk.modelhub import queries as modelhub
from kefu.desk.wiring import wiring
from kefu.kit.runtime import run

pytestmark = pytest.mark.django_db
FOLDER = Path(kefu.__file__).parent / "demo"
FEW = ("talk_to_person", "complaint", "stock", "invoice_request")


def test_a_first_start_makes_a_workspace_an_owner_and_a_channel() -> None:
    begun = first_start(demo=False)
    assert begun is not None
    assert (begun.workspace, begun.email) == ("default", OWNER)
    actor = system(accounts.workspace_named("default").id)
    [owner] = accounts.members(actor)
    assert (owner.email, owner.role) == (OWNER, Role.OWNER)
    assert accounts_actions.sign_in(email=OWNER, password=begun.password, address="10.1.0.1").must_change_password
    assert [channel.kind for channel in inbox.channels(actor)] == ["web"]
    assert demo_channel() is None


def test_a_second_start_makes_nothing() -> None:
    first_start(demo=False)
    assert first_start(demo=False) is None
    actor = system(accounts.workspace_named("default").id)
    assert len(accounts.members(actor)) == len(inbox.channels(actor)) == len(accounts.workspaces()) == 1


def test_a_start_that_was_stopped_before_the_owner_goes_on() -> None:
    accounts_actions.make_workspace(slug="default")
    begun = first_start(demo=False)
    assert begun is not None
    assert begun.password


def test_a_start_that_was_stopped_before_the_channel_goes_on() -> None:
    actor = system(accounts_actions.make_workspace(slug="default").id)
    accounts_actions.create_member(actor, email=OWNER, role=Role.OWNER)
    assert first_start(demo=False) is None
    assert [channel.kind for channel in inbox.channels(actor)] == ["web"]


def test_an_installation_with_a_workspace_of_its_own_is_left_alone() -> None:
    actor = system(accounts_actions.make_workspace(slug="shop").id)
    accounts_actions.create_member(actor, email="mia@example.com", role=Role.OWNER)
    assert first_start(demo=False) is None
    assert [each.slug for each in accounts.workspaces()] == ["shop"]


def test_a_channel_that_was_switched_off_stays_so() -> None:
    first_start(demo=False)
    actor = system(accounts.workspace_named("default").id)
    inbox_actions.change_channel(actor, channel_id=inbox.channels(actor)[0].id, is_active=False)
    assert first_start(demo=False) is None
    assert [channel.is_active for channel in inbox.channels(actor)] == [False]


@pytest.fixture
def few_intents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The texts of four intents: enough to see that it is done, and done in a second."""
    for language in ("en", "zh"):
        rows = (FOLDER / f"intents/{language}.csv").read_text(encoding="utf-8").splitlines()
        some = [row for row in rows[1:] if row.rpartition(",")[2] in FEW]
        (tmp_path / f"{language}.csv").write_text("\n".join([rows[0], *some]) + "\n", encoding="utf-8")
    monkeypatch.setattr(demo_intents, "FOLDER", tmp_path)


def nothing(passages: list[IndexedPassage]) -> list[PassageVectors]:
    """Vectors that say nothing, made at once."""
    return [PassageVectors("none@1", np.zeros((1 + len(each.questions), 2), np.float16)) for each in passages]


def test_a_demo_that_was_stopped_half_way_goes_on(few_intents: None) -> None:
    actor = system(accounts_actions.make_workspace(slug=DEMO).id)
    files = [*(FOLDER / "faq").glob("*.csv"), *(FOLDER / "articles").rglob("*.md")]
    names = sorted(path.relative_to(FOLDER).as_posix() for path in files)
    ids = [
        library_actions.add_file(actor, name=name, data=(FOLDER / name).read_bytes()).id for name in names[2:]
    ]  # all but two articles, so that the real encoders have little to do
    read_sources(actor.workspace_id, ids, embed=nothing)
    steps: list[tuple[str, int, int]] = []
    begun = first_start(demo=True, progress=lambda *step: steps.append(step))
    assert begun is not None
    assert list(dict.fromkeys(name for name, _, _ in steps)) == [*names[:2], "intents"]
    assert [(done, found) for name, done, found in steps if name != "intents"] == [(0, 2), (1, 2), (2, 2)]
    assert {source.name: source.state for source in library.sources(actor)} == dict.fromkeys(names, "ready")
    assert demo_channel() == inbox.channels(actor)[0].id
    assert first_start(demo=True) is None


def test_a_start_that_is_stopped_while_it_reads_tells_the_password_next_time(few_intents: None) -> None:
    actor = system(accounts_actions.make_workspace(slug=DEMO).id)
    names = sorted(path.relative_to(FOLDER).as_posix() for path in (FOLDER / "articles").rglob("*.md"))
    faq = sorted((FOLDER / "faq").glob("*.csv"))
    files = {**{name: FOLDER / name for name in names[1:]}, **{f"faq/{path.name}": path for path in faq}}
    ids = [library_actions.add_file(actor, name=name, data=path.read_bytes()).id for name, path in files.items()]
    read_sources(actor.workspace_id, ids, embed=nothing)  # all but one article

    def interrupted(*step: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        first_start(demo=True, progress=interrupted)
    begun = first_start(demo=True)
    assert begun is not None
    assert begun.password


def test_a_demo_learns_its_intents_once_and_they_answer(few_intents: None) -> None:
    actor = system(accounts_actions.make_workspace(slug=DEMO).id)
    learn_intents(actor)
    [model] = modelhub.models(actor)
    assert (model.name, model.role, model.versions) == (NAME, "intent", 1)
    assert model.champion is not None
    policy = assistants.for_workspace(actor.workspace_id).policy
    assert policy.intent_rules == {"talk_to_person": "hand_over", "complaint": "hand_over"}
    tools = wiring().mind(actor.workspace_id).tools
    assert tools.intents is not None
    [told] = run(tools.intents.classify(["transfer me to a colleague please"]))
    assert told.label == "talk_to_person"
    assert tools.versions["intent"].startswith(NAME)
    learn_intents(actor)
    assert [each.versions for each in modelhub.models(actor)] == [1]


def test_a_start_that_was_stopped_before_the_model_was_live_learns_again(few_intents: None) -> None:
    actor = system(accounts_actions.make_workspace(slug=DEMO).id)
    modelhub_actions.make_model(actor, name=NAME, role="intent")  # as far as a killed start may have come
    learn_intents(actor)
    [model] = modelhub.models(actor)
    assert model.champion is not None


def test_rules_that_a_company_changed_stay_changed(few_intents: None) -> None:
    actor = system(accounts_actions.make_workspace(slug=DEMO).id)
    assistants_actions.set_up(actor, policy={"intent_rules": {"stock": "refuse"}})
    learn_intents(actor)
    assert assistants.for_workspace(actor.workspace_id).policy.intent_rules == {"stock": "refuse"}


def test_a_model_that_cannot_be_learnt_stops_no_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_intents, "FOLDER", tmp_path)  # no texts there
    actor = system(accounts_actions.make_workspace(slug=DEMO).id)
    learn_intents(actor)
    assert modelhub.models(actor) == []
