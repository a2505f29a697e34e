"""Search finds what reading every message would find, at any size, and nothing of another workspace."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kefu.desk import erasure
from kefu.desk.inbox import actions as inbox
from kefu.desk.inbox import queries, searching
from kefu.desk.inbox.models import Conversation, Message
from kefu.desk.statements import execute, insert, update

from .shops import Shop, made_shop

# Few characters, so that texts and words often meet; with all that means something to SQL, LIKE or FTS5.
LETTERS = st.sampled_from("aAbéÉ退货款发 \"'%_*\\-:()^ßİ\n🎁")
TEXTS = st.text(LETTERS, max_size=12)


@pytest.fixture
def shop(db: None) -> Shop:
    return made_shop()


@pytest.fixture
def by_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a long history, where the newest conversations are few of all."""
    monkeypatch.setattr(searching, "NEWEST", 1)


def said(shop: Shop, text: str, thread: str = "", sequence: int = 1) -> Message:
    thread = thread or shop.start()
    row = Message(
        workspace_id=shop.workspace_id, conversation_id=thread, sequence=sequence, author="contact", text=text
    )
    insert(row)
    return row


def search(shop: Shop, text: str, **chosen: Any) -> list[str]:
    return [each.conversation.id for each in queries.threads(shop.owner, queries.Filter(**chosen), search=text)]


def scanned(shop: Shop, text: str) -> set[str]:
    """What reading every message finds."""
    rows = Message.objects.of(shop.workspace_id).values_list("conversation_id", "text")
    return {thread for thread, stored in rows if folded(text) in folded(stored)}


def folded(text: str) -> str:
    if connection.vendor == "sqlite":
        return "".join(each.lower() if each.isascii() else each for each in text)
    return str(execute("SELECT upper(%s)", [text])[0][0])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(texts=st.lists(TEXTS, min_size=2, max_size=6), others=st.lists(TEXTS, max_size=3), cut=st.data())
def test_search_finds_exactly_what_a_scan_finds(
    shop: Shop, by_index: None, texts: list[str], others: list[str], cut: st.DataObject
) -> None:
    source = cut.draw(st.sampled_from(texts))
    begin = cut.draw(st.integers(0, len(source)))
    word = cut.draw(TEXTS | st.just(source[begin : begin + cut.draw(st.integers(2, 6))])).strip()
    with transaction.atomic():
        elsewhere = made_shop()
        for text in texts:
            said(shop, text)
        for text in others:
            said(elsewhere, text)
        if len(word) >= 2:
            assert set(search(shop, word)) == scanned(shop, word)
            assert set(search(elsewhere, word)) == scanned(elsewhere, word)
        transaction.set_rollback(True)


@pytest.mark.parametrize("word", ["退货", "想退货", "货", "REFUND", "re", '"x"', "100%", "a_b", "' OR 1=1", "退\0货"])
def test_a_word_is_found_among_the_newest_and_in_the_index(
    shop: Shop, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = said(shop, '我想退货, refund "x" 100% a_b \' OR 1=1')
    said(shop, "something else")
    assert search(shop, word) == [row.conversation_id]
    monkeypatch.setattr(searching, "NEWEST", 1)
    assert search(shop, word) == ([row.conversation_id] if len(word) > 1 else [])


def test_newest_activity_comes_first_page_by_page(shop: Shop, by_index: None) -> None:
    rows = [said(shop, "where is my parcel") for _ in range(5)]
    expected = [row.conversation_id for row in reversed(rows)]
    pages = list(paged(shop, "parcel", 2))
    assert [each for page in pages for each in page] == expected
    assert [len(page) for page in pages] == [2, 2, 1]


def paged(shop: Shop, word: str, size: int) -> Iterator[list[str]]:
    before = None
    while page := queries.threads(shop.owner, search=word, before=before, limit=size):
        yield [each.conversation.id for each in page]
        before = (page[-1].conversation.last_activity_at, page[-1].conversation.id)


def test_what_is_chosen_beside_the_word_holds(shop: Shop, by_index: None) -> None:
    row, other = said(shop, "my parcel"), said(shop, "my parcel")
    Conversation.objects.of(shop.workspace_id).filter(id=row.conversation_id).update(status="resolved")
    assert search(shop, "parcel", status=("resolved",)) == [row.conversation_id]
    assert search(shop, "parcel", status=("bot",)) == [other.conversation_id]
    assert set(search(shop, "parcel", channel_id=shop.channel_id)) == {row.conversation_id, other.conversation_id}
    assert search(shop, "parcel", assignee=shop.owner.id) == []


def test_changed_and_erased_messages_leave_the_index(shop: Shop, by_index: None) -> None:
    row, other = said(shop, "a parcel"), said(shop, "a parcel")
    row.text = "退货"
    update(row, ("text",))
    assert (search(shop, "parcel"), search(shop, "退货")) == ([other.conversation_id], [row.conversation_id])
    contact = queries.conversation(shop.kefu, other.conversation_id).contact_id
    inbox.erase_conversations(shop.kefu, contact_id=contact)
    assert (search(shop, "parcel"), proposed()) == ([], ["退货"])


def proposed() -> list[str]:
    """The texts of all that the index proposes."""
    if connection.vendor != "sqlite":
        return [
            row[0] for row in execute("SELECT text FROM inbox_message WHERE cardinality(inbox_grams(text)) > 0", [])
        ]
    places = execute("SELECT DISTINCT doc FROM inbox_said_terms", [])
    return [execute("SELECT text FROM inbox_message WHERE rowid = %s", [place])[0][0] for (place,) in places]


def test_only_the_masked_text_is_searched(shop: Shop, by_index: None) -> None:
    shop.say(shop.start(), "Call me at 138 0013 8000 about the parcel")
    shop.start()
    assert (search(shop, "8000"), len(search(shop, "parcel"))) == ([], 1)


def test_an_index_whose_triggers_are_gone_is_made_anew(shop: Shop, by_index: None) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL's index belongs to its table.")
    for name in searching._TRIGGERS:
        execute(f"DROP TRIGGER {name}", [])
    row = said(shop, "a parcel")
    shop.start()
    assert search(shop, "parcel") == []
    searching.lay()
    assert search(shop, "parcel") == [row.conversation_id]


def test_an_erased_contact_is_found_no_more(shop: Shop, by_index: None) -> None:
    row = said(shop, "a parcel")
    shop.start()
    contact = queries.conversation(shop.kefu, row.conversation_id).contact_id
    erasure.erase(shop.kefu, contact_id=contact)
    assert search(shop, "parcel") == []
