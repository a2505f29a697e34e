"""Files in conversations: uploaded, sent, read, thrown away, erased."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage

from kefu.desk import erasure
from kefu.desk.actor import Actor, Role
from kefu.desk.inbox import actions, due, queries
from kefu.desk.inbox.models import Attachment
from kefu.desk.inbox.queries import AttachmentInfo
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, Busy, Conflict, NotAllowed, NotFound, TooLarge
from kefu.kit.settings import reload

from .desks import desk_for, desk_of
from .shops import Shop, claim, made_shop

TEXT = b"My lamp hums at night."
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.fixture
def shop(db: None) -> Shop:
    return made_shop()


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_(**values: int) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"KEFU_{name.upper()}", str(value))
        reload()

    yield set_
    monkeypatch.undo()
    reload()


def upload(actor: Actor, thread: str, name: str = "note.txt", data: bytes = TEXT) -> str:
    return actions.add_attachment(actor, conversation_id=thread, name=name, data=data).id


def send(actor: Actor, thread: str, *files: str, text: str = "", key: str | None = None) -> queries.MessageInfo:
    return actions.receive_message(
        actor, conversation_id=thread, text=text, attachments=files, idempotency_key=key
    ).message


def started(actor: Actor) -> str:
    return actions.start_conversation(actor).id


def test_a_file_without_a_word_is_a_message(shop: Shop) -> None:
    visitor = shop.visitor()
    thread = started(visitor)
    file = upload(visitor, thread, "lamp.png", PNG)
    said = send(visitor, thread, file)
    assert (said.text, said.outcome) == ("", "pending")
    assert said.attachments == (AttachmentInfo(file, "image", "lamp.png", "image/png", len(PNG)),)
    [turn] = claim()
    assert turn.text == ""
    [read] = queries.messages(shop.kefu, thread)
    assert read.attachments == said.attachments
    info, data = queries.attachment(visitor, file, conversation_id=thread)
    assert (info.name, data) == ("lamp.png", PNG)


def test_words_beside_a_file_are_what_is_answered(shop: Shop) -> None:
    thread = shop.start()
    send(shop.program, thread, upload(shop.program, thread))
    send(shop.program, thread, upload(shop.program, thread), text="Why does it hum?")
    [turn] = claim()
    assert turn.text == "Why does it hum?"


def test_bytes_and_names_lie_sealed(shop: Shop) -> None:
    visitor = shop.visitor()
    thread = started(visitor)
    said = send(visitor, thread, upload(visitor, thread, "Mia Novak passport.txt"), text="Here it is")
    row = Attachment.objects.of(shop.workspace_id).get()
    with default_storage.open(row.file) as file:
        assert TEXT not in file.read()
    assert "Mia" not in row.name
    assert said.attachments[0].name == "Mia Novak passport.txt"
    [seen] = queries.messages(shop.member(Role.VIEWER), thread)
    assert seen.attachments[0].name == "<NAME_1> passport.txt"
    assert queries.attachment(shop.member(Role.AGENT), row.id)[0].name == "Mia Novak passport.txt"


def test_a_repeated_key_sends_files_once(shop: Shop) -> None:
    thread = shop.start()
    file = upload(shop.program, thread)
    first = send(shop.program, thread, file, key="k1")
    assert send(shop.program, thread, file, key="k1").id == first.id
    with pytest.raises(Conflict):
        send(shop.program, thread, upload(shop.program, thread), key="k1")
    with pytest.raises(Conflict):
        send(shop.program, thread, file, key="k2")
    assert len(queries.messages(shop.kefu, thread)) == 1


def test_only_ones_own_uploads_of_the_conversation_are_sent(shop: Shop) -> None:
    one, other = shop.visitor(), shop.visitor()
    mine, theirs = started(one), started(other)
    file = upload(one, mine)
    with pytest.raises(BadInput):
        send(other, theirs, file)
    with pytest.raises(BadInput):
        actions.reply(shop.owner, conversation_id=mine, text="x", attachments=[file])
    with pytest.raises(BadInput):
        send(one, mine, file, file)
    assert send(one, mine, file).attachments


def test_who_may_read_a_file(shop: Shop) -> None:
    one, other = shop.visitor(), shop.visitor()
    thread, elsewhere = started(one), started(other)
    agent = shop.member(Role.AGENT)
    file = upload(one, thread)
    unsent = upload(agent, thread)
    noted = upload(agent, thread)
    actions.note(agent, conversation_id=thread, text="", attachments=[noted])
    for conversation in (thread, elsewhere):
        with pytest.raises(NotFound):
            queries.attachment(other, file, conversation_id=conversation)
    for hidden in (unsent, noted):
        with pytest.raises(NotFound):
            queries.attachment(one, hidden, conversation_id=thread)
        assert queries.attachment(agent, hidden)[1] == TEXT
    with pytest.raises(NotFound):
        queries.attachment(one, file)
    with pytest.raises(NotAllowed):
        queries.attachment(shop.member(Role.VIEWER), file)
    with pytest.raises(NotAllowed):
        upload(shop.member(Role.VIEWER), thread)
    with pytest.raises(NotAllowed):
        upload(Actor(shop.workspace_id, "key", "key_of_nothing"), thread)


def test_what_is_too_large_or_too_much_is_refused(shop: Shop, limits: Callable[..., None]) -> None:
    limits(attachment_megabytes=1, attachments_per_message=2, attachment_megabytes_per_contact=2)
    visitor = shop.visitor()
    thread = started(visitor)
    with pytest.raises(TooLarge):
        upload(visitor, thread, data=b"x" * (2**20 + 1))
    with pytest.raises(BadInput):
        upload(visitor, thread, data=b"")
    files = [upload(visitor, thread) for _ in range(3)]
    with pytest.raises(BadInput):
        send(visitor, thread, *files)
    send(visitor, thread, upload(visitor, thread, data=b"x" * 2**20))
    with pytest.raises(Busy):
        upload(visitor, thread, data=b"x" * 2**20)
    for _ in range(5):
        upload(visitor, thread)
    with pytest.raises(Busy):
        upload(visitor, thread)
    limits(attachments_per_message=0)
    with pytest.raises(BadInput) as refused:
        upload(visitor, thread)
    assert refused.value.fields["reason"] == "off"


def test_text_or_a_file_must_be_there(shop: Shop) -> None:
    thread = shop.start()
    for text in ("", "  "):
        with pytest.raises(BadInput):
            send(shop.program, thread, text=text)
    with pytest.raises(BadInput):
        send(shop.program, thread, upload(shop.program, thread), text="  ")


def test_unsent_uploads_are_thrown_away_in_time(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    thread = shop.start()
    sent, unsent = upload(shop.program, thread), upload(shop.program, thread)
    send(shop.program, thread, sent)
    place = Attachment.objects.of(shop.workspace_id).get(id=unsent).file
    assert due.forget_uploads() == 0
    later = now() + timedelta(hours=25)
    monkeypatch.setattr(due, "now", lambda: later)
    assert due.forget_uploads() == 1
    assert due.forget_uploads() == 0
    assert [row.id for row in Attachment.objects.of(shop.workspace_id)] == [sent]
    assert not default_storage.exists(place)


def test_files_are_handed_out_and_erased_with_the_contact(shop: Shop, django_capture_on_commit_callbacks: Any) -> None:
    visitor = shop.visitor()
    thread = started(visitor)
    send(visitor, thread, upload(visitor, thread))
    row = Attachment.objects.of(shop.workspace_id).get()
    [talk] = erasure.export(shop.owner, str(visitor.contact_id))["conversations"]
    assert talk["messages"][0]["attachments"][0]["base64"] == "TXkgbGFtcCBodW1zIGF0IG5pZ2h0Lg=="
    with django_capture_on_commit_callbacks(execute=True):
        erasure.erase(shop.owner, str(visitor.contact_id))
    assert not Attachment.objects.of(shop.workspace_id).exists()
    assert not default_storage.exists(row.file)


def test_members_send_and_see_files_at_their_door(shop: Shop) -> None:
    visitor = shop.visitor()
    thread = started(visitor)
    sent = upload(visitor, thread, "lamp.png", PNG)
    send(visitor, thread, sent, text="Look")
    desk = desk_of(shop.member(Role.AGENT))
    desk.get("/session")
    answer = desk.client.get(f"/desk/api/inbox/attachments/{sent}")
    assert answer.content == PNG
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    base = f"/inbox/conversations/{thread}"
    from django.core.files.uploadedfile import SimpleUploadedFile

    uploaded = desk.client.post(
        f"/desk/api{base}/attachments",
        {"file": SimpleUploadedFile("label.txt", b"Print me")},
        headers={"X-CSRFToken": desk.csrf},
    )
    assert uploaded.status_code == 201, uploaded.content
    file = uploaded.json()
    desk.post(f"{base}/messages", {"attachments": [file["id"]]}, expect=201)
    assert desk.get(base)["last_message"]["attachments"] == [file]
    assert queries.attachment(visitor, file["id"], conversation_id=thread)[1] == b"Print me"
    desk_for(shop, Role.VIEWER).get(f"/inbox/attachments/{sent}", expect=403)
