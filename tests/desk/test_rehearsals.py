"""Confidence fitted to a workspace's FAQ: when it is due, where it is kept, when it is let go."""

import pytest

from kefu.desk.library import actions, due, rehearsals
from kefu.desk.library.models import Rehearsal
from kefu.kit.runtime import run
from kefu.knowledge.embedding import embed_passages, encoder_key

from ..knowledge.toy_encoder import ToyEncoder
from .shops import Shop, made_shop

ENCODERS = {"*": ToyEncoder()}
WAYS = ("what about {}", "is there {} here", "{} please", "tell me of {}", "anything on {}")


@pytest.fixture
def shop(db: None) -> Shop:
    return made_shop()


def sheet(entries: int) -> bytes:
    rows = []
    for number in range(entries):
        thing = f"kind{number % 9} thing{number}"
        first, *more = (way.format(thing) for way in WAYS)
        rows.append(f"{first},Thing{number} is ready.,{' | '.join(more)}")
    return "\n".join(["question,answer,more_questions", *rows]).encode()


def read(shop: Shop, name: str, data: bytes) -> None:
    source = actions.add_file(shop.kefu, name=name, data=data)
    due.read_sources(shop.workspace_id, [source.id], embed=lambda passages: run(embed_passages(passages, ENCODERS)))


def row(shop: Shop) -> Rehearsal:
    return Rehearsal.objects.of(shop.workspace_id).get()


def test_knowledge_makes_a_rehearsal_due_and_it_is_done_once(shop: Shop) -> None:
    read(shop, "faq.csv", sheet(70))
    assert rehearsals.due_workspaces() == [shop.workspace_id]
    assert rehearsals.rehearse_if_due(shop.workspace_id, ENCODERS)
    assert row(shop).passages == 70
    assert rehearsals.due_workspaces() == []
    assert not rehearsals.rehearse_if_due(shop.workspace_id, ENCODERS)


def test_a_small_change_does_not_make_it_due_and_a_large_one_does(shop: Shop) -> None:
    read(shop, "faq.csv", sheet(70))
    rehearsals.rehearse_if_due(shop.workspace_id, ENCODERS)
    read(shop, "page.md", b"# Parking\n\nThere are twelve places.")
    assert rehearsals.due_workspaces() == []
    read(shop, "more.csv", sheet(30))
    assert rehearsals.due_workspaces() == [shop.workspace_id]


def test_what_was_fitted_to_another_encoder_is_not_used(shop: Shop) -> None:
    key = encoder_key(ENCODERS["*"])
    figures = {"encoder": key, "entries": 70, "answered": 0.9, "refused": 0.5, "bias": -1.0, "weights": {"cosine": 2.0}}
    Rehearsal.objects.create(workspace_id=shop.workspace_id, groups={"*": figures, "en": {**figures, "encoder": "old"}})
    assert list(rehearsals.calibrations(shop.workspace_id, {"*": ToyEncoder(), "en": ToyEncoder()})) == ["*"]


def test_another_workspace_has_its_own(shop: Shop) -> None:
    read(shop, "faq.csv", sheet(70))
    other = made_shop()
    assert rehearsals.calibrations(other.workspace_id, ENCODERS) == {}
    assert not rehearsals.rehearse_if_due(other.workspace_id, ENCODERS)
