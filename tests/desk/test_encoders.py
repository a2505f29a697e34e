"""A workspace's own encoders: chosen, tried, made ready behind the switch, given up with a reason."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from kefu.desk.actor import Role
from kefu.desk.assistants import actions as assistants
from kefu.desk.assistants import due
from kefu.desk.assistants.queries import encoder_choice
from kefu.desk.library import actions as library
from kefu.desk.library.due import read_sources
from kefu.desk.library.models import Vector
from kefu.desk.wiring import Wiring
from kefu.knowledge.embedding import encoder_key

from .desks import Desk, desk_for
from .shops import Shop, made_shop

pytestmark = pytest.mark.django_db
PLACE = "/assistant/engines/encoders"
ARTICLES = {
    "Delivery": "Delivery costs 12 yuan and takes two days.",
    "退货": "收货后三十天内可以退货，运费由我们承担。",
}


@pytest.fixture
def wiring() -> Iterator[Wiring]:
    made = Wiring()
    yield made
    made.close()


@pytest.fixture
def shop(wiring: Wiring) -> Shop:
    made = made_shop()
    sources = [library.add_article(made.kefu, title=title, text=text).id for title, text in ARTICLES.items()]
    read_sources(made.workspace_id, sources, embed=wiring.embed)
    return made


@pytest.fixture
def admin(shop: Shop) -> Desk:
    return desk_for(shop, Role.ADMIN)


def choose(desk: Desk, language: str, reference: str, *, expect: int = 200, **options: Any) -> Any:
    desk.get("/session")
    return desk.put(PLACE, {"language": language, "reference": reference, "options": options}, expect=expect)


def shown(answer: Any, language: str) -> dict[str, Any]:
    return next(each for each in answer["engines"]["encoders"] if each["language"] == language)


def vectors_of(shop: Shop) -> dict[str, int]:
    rows = Vector.objects.of(shop.workspace_id).values_list("encoder", flat=True)
    return {name.partition("@")[0]: list(rows).count(name) for name in rows}


def best(wiring: Wiring, shop: Shop, question: str, language: str) -> tuple[str, dict[str, str]]:
    mind = wiring.mind(shop.workspace_id)
    evidence = asyncio.run(mind.index.search(question, language))
    return evidence.hits[0].passage.title, dict(mind.tools.versions)


def test_the_old_encoder_serves_until_the_new_one_has_made_every_vector(
    wiring: Wiring, shop: Shop, admin: Desk
) -> None:
    before = best(wiring, shop, "What does delivery cost?", "en")
    answer = choose(admin, "en", "scripted:letters", dimension=64)
    assert shown(answer, "en") == {
        "language": "en",
        "reference": "package:minilm-service-en",
        "default": "package:minilm-service-en",
        "options": {"dimension": 64},
        "wanted": "scripted:letters",
    }
    wiring.changed(shop.workspace_id, "assistant.encoders")
    assert best(wiring, shop, "What does delivery cost?", "en") == before
    assert due.due_encoders() == [shop.workspace_id]

    wiring.prepare_encoders(shop.workspace_id)
    wiring.changed(shop.workspace_id, "assistant.encoders")
    title, versions = best(wiring, shop, "What does delivery cost?", "en")
    assert title == "Delivery"
    assert versions["encoder en"].startswith("letters@")
    assert versions["encoder *"] == before[1]["encoder *"]
    answer = admin.get("/assistant")
    assert (shown(answer, "en")["reference"], shown(answer, "en")["wanted"]) == ("scripted:letters", None)

    wiring.prepare_encoders(shop.workspace_id)
    assert due.due_encoders() == []
    assert set(vectors_of(shop)) == {"letters", "e5-small-zh-en"}


def test_what_is_read_meanwhile_gets_its_vectors_after_the_switch(wiring: Wiring, shop: Shop, admin: Desk) -> None:
    choose(admin, "en", "scripted:letters")
    wiring.prepare_encoders(shop.workspace_id)
    late = library.add_article(shop.kefu, title="Gifts", text="Gift wrapping costs 25 yuan for each parcel.")
    read_sources(shop.workspace_id, [late.id], embed=wiring.embed)  # a process that has not heard of it yet
    wiring.prepare_encoders(shop.workspace_id)
    assert vectors_of(shop)["letters"] == 2
    assert best(wiring, shop, "gift wrapping", "en")[0] == "Gifts"
    again = library.add_article(shop.kefu, title="Hours", text="We are here from nine to five on each day.")
    read_sources(
        shop.workspace_id, [again.id], embed=lambda passages: wiring.embed(passages, workspace_id=shop.workspace_id)
    )
    assert vectors_of(shop) == {"letters": 3, "e5-small-zh-en": 1}


def test_an_encoder_that_cannot_be_loaded_is_refused_with_its_reason(shop: Shop, admin: Desk) -> None:
    for reference, options, word in (
        ("package:no-such-model", {}, "no-such-model"),
        ("openai:x", {"base_url": "http://127.0.0.1:9/v1"}, "127.0.0.1"),
        ("strange", {}, "named"),
    ):
        refused = choose(admin, "*", reference, expect=422, **options)
        assert refused["field"] == "reference"
        assert word in refused["detail"]
    choose(admin, "EN", "scripted:x", expect=422)
    assert encoder_choice(shop.workspace_id).wanted is None
    desk_for(shop, Role.SUPERVISOR).put(PLACE, {"language": "en", "reference": "scripted:x"}, expect=403)


def test_an_encoder_that_fails_later_leaves_the_old_one(wiring: Wiring, shop: Shop, admin: Desk) -> None:
    # Not over the door, which tries it first: the server goes away between the trial and the work.
    assistants.choose_encoder(shop.owner, language="en", reference="scripted:letters", options={"failures": 9})
    before = vectors_of(shop)
    wiring.prepare_encoders(shop.workspace_id)
    answer = admin.get("/assistant")
    assert shown(answer, "en")["wanted"] is None
    assert shown(answer, "en")["reference"] == "package:minilm-service-en"
    assert answer["engines"]["work"]["problem"]
    assert vectors_of(shop) == before
    assert due.due_encoders() == []


def test_a_choice_is_taken_back_to_the_default(wiring: Wiring, shop: Shop, admin: Desk) -> None:
    choose(admin, "en", "scripted:letters")
    for _ in range(2):
        wiring.prepare_encoders(shop.workspace_id)
    assert shown(choose(admin, "en", ""), "en")["wanted"] == "package:minilm-service-en"
    for _ in range(2):
        wiring.prepare_encoders(shop.workspace_id)
    assert shown(admin.get("/assistant"), "en")["reference"] == "package:minilm-service-en"
    assert set(vectors_of(shop)) == {encoder_key(each).partition("@")[0] for each in wiring.encoders().values()}


def test_a_later_wish_wins_and_keys_stay_secret(wiring: Wiring, shop: Shop, admin: Desk) -> None:
    choose(admin, "*", "scripted:one")
    taken = encoder_choice(shop.workspace_id).wanted
    choose(admin, "*", "scripted:two", dimension=32)
    assert not due.note_progress(shop.workspace_id, taken, done=0, total=1)
    assert not due.switch_encoders(shop.workspace_id, taken or {})
    wiring.prepare_encoders(shop.workspace_id)
    assert encoder_choice(shop.workspace_id).live == {"*": "scripted:two"}
    assert shown(desk_for(shop, Role.AGENT).get("/assistant"), "*")["options"] == {}
