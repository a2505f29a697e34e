"""Customers who wait: members are told by mail, and they themselves when nobody comes. Everything safe to run twice."""

import socketserver
import threading
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_string, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.db import OperationalError, connection

from kefu.contracts.turn import Decision
from kefu.desk.accounts import due as accounts_due
from kefu.desk.accounts.models import Notification
from kefu.desk.actor import Role
from kefu.desk.contacts import queries as contacts
from kefu.desk.inbox import actions, due, queries
from kefu.desk.inbox.models import Conversation
from kefu.desk.rows import now
from kefu.kit import settings as kefu_settings

from .desks import desk_of
from .shops import Shop, claim, finish, made_shop

pytestmark = pytest.mark.django_db


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP (RFC 5321) as a client needs. `refuse` addresses get a 550; `broken` hangs up at once."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuse: set[str] = set()
        self.broken = False
        super().__init__(("127.0.0.1", 0), _Session)


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        if self.server.broken:
            return
        self._say("220 ready")
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "DATA":
                self._say("354 go on")
                self._keep()
            elif verb == "RCPT" and any(address in line for address in self.server.refuse):
                self._say("550 no such person")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _keep(self) -> None:
        lines: list[str] = []
        while (line := self.rfile.readline().decode()) not in {".\r\n", ""}:
            lines.append(line.removeprefix(".") if line.startswith("..") else line)
        self.server.mails.append(message_from_string("".join(lines), policy=policy.default))  # type: ignore[arg-type]
        self._say("250 kept")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def mail_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("KEFU_SMTP_URL", f"smtp://127.0.0.1:{server.server_address[1]}")
        monkeypatch.setenv("KEFU_MAIL_FROM", "help@kefu.example")
        monkeypatch.setenv("KEFU_PUBLIC_URL", "https://help.example.com")
        kefu_settings.reload()
        yield server
        server.shutdown()
    monkeypatch.undo()
    kefu_settings.reload()


@pytest.fixture
def shop() -> Shop:
    return made_shop()


def waiting(shop: Shop, **start: Any) -> str:
    thread = shop.start(**start)
    shop.say(thread, "A person, please. I am at 138 0013 8000.")
    actions.ask_for_member(shop.program, conversation_id=thread)
    return thread


def mails_of(shop: Shop) -> Any:
    return Notification.objects.of(shop.workspace_id)


def all_due(shop: Shop) -> None:
    mails_of(shop).filter(state="pending").update(due_at=now())


def send(shop: Shop) -> int:
    all_due(shop)
    return accounts_due.send_mail()


# mail


def test_members_who_answer_are_told_by_mail_and_nothing_personal_is_in_it(shop: Shop, mail_server: MailServer) -> None:
    agent, _ = shop.member(Role.AGENT), shop.member(Role.VIEWER)
    desk_of(agent).patch("/session", {"language": "zh"})
    thread = waiting(shop)
    assert accounts_due.send_mail() == 0  # whoever looks at the console may still take it
    assert send(shop) == 2
    by_subject = {mail["Subject"]: mail for mail in mail_server.mails}
    english, chinese = by_subject[f"A customer is waiting in {shop.slug}"], by_subject[f"{shop.slug}：有客户正在等待"]
    assert f"https://help.example.com/console/inbox/{thread}" in english.get_content()
    assert "Website" in chinese.get_content()
    assert english["From"] == "help@kefu.example"
    assert not any("138" in mail.get_content() for mail in mail_server.mails)


def test_a_mail_is_sent_once(shop: Shop, mail_server: MailServer) -> None:
    waiting(shop)
    assert (send(shop), send(shop)) == (1, 0)
    assert len(mail_server.mails) == 1


def test_no_mail_goes_once_somebody_has_come(shop: Shop, mail_server: MailServer) -> None:
    thread = waiting(shop)
    actions.take(shop.owner, conversation_id=thread)
    assert send(shop) == 0
    assert set(mails_of(shop).values_list("state", flat=True)) == {"dropped"}


def test_who_wants_no_mail_gets_none(shop: Shop, mail_server: MailServer) -> None:
    desk_of(shop.owner).patch("/session", {"notify_mail": False})
    waiting(shop)
    assert send(shop) == 0
    desk_of(shop.owner).patch("/session", {"notify_mail": True})
    desk_of(shop.owner).patch("/settings", {"settings": {"mail_on_hand_over": False}})
    waiting(shop)
    assert send(shop) == 0


def test_a_hand_over_by_the_assistant_sends_mail_too(shop: Shop, mail_server: MailServer) -> None:
    shop.say(shop.start(), "I am angry")
    [turn] = claim()
    finish(turn, decision=Decision.HAND_OVER)
    assert send(shop) == 1


def test_one_refused_address_does_not_stop_the_others(shop: Shop, mail_server: MailServer) -> None:
    agent = shop.member(Role.AGENT)
    address = desk_of(agent).get("/session")["user"]["email"]
    mail_server.refuse = {address}
    waiting(shop)
    assert send(shop) == 1
    assert mails_of(shop).get(state="pending").reason == "SMTPRecipientsRefused"


def test_a_mail_server_that_is_away_is_tried_again_and_given_up_in_the_end(shop: Shop, mail_server: MailServer) -> None:
    mail_server.broken = True
    waiting(shop)
    for attempt in range(1, 6):
        assert send(shop) == 0
        row = mails_of(shop).get()
        assert (row.state, row.attempts) == ("pending", attempt)
        assert timedelta(0) < row.due_at - now() <= timedelta(minutes=2 ** (attempt - 1))
    mail_server.broken = False
    assert send(shop) == 1
    assert mails_of(shop).get().state == "sent"


def test_it_is_given_up_after_six_attempts(shop: Shop, mail_server: MailServer) -> None:
    mail_server.broken = True
    waiting(shop)
    for _ in range(6):
        send(shop)
    row = mails_of(shop).get()
    assert (row.state, row.due_at) == ("failed", None)


def test_a_claimed_mail_is_left_alone_until_its_lease_ends(shop: Shop, mail_server: MailServer) -> None:
    waiting(shop)
    all_due(shop)
    assert len(accounts_due._claim(10)) == 1
    assert accounts_due.send_mail() == 0
    assert send(shop) == 1  # the lease has ended: the claiming process is dead


def test_invitations_go_by_mail(shop: Shop, mail_server: MailServer) -> None:
    body = {"email": "new@example.com", "send_mail": True}
    made = desk_of(shop.owner).post("/members/invitations", body, 201)
    assert made["is_mailed"] is True
    assert send(shop) == 1
    assert mail_server.mails[0]["To"] == "new@example.com"
    assert made["link"] in mail_server.mails[0].get_content()
    token = made["link"].rpartition("/")[2]
    assert token.encode() not in bytes(mails_of(shop).get().sealed_mail)


def test_an_invitation_is_in_the_workspace_s_language_and_its_link_whole(
    shop: Shop, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KEFU_PUBLIC_URL")
    kefu_settings.reload()
    desk = desk_of(shop.owner)
    desk.patch("/settings", {"default_language": "zh"})
    link = desk.post("/members/invitations", {"email": "new@example.com", "send_mail": True}, 201)["link"]
    assert send(shop) == 1
    mail = mail_server.mails[0]
    assert mail["Subject"] == f"邀请您加入 {shop.slug}"
    assert f"http://localhost:8000{link}\n" in mail.get_content()


# nobody comes


def late(thread: str) -> None:
    everywhere = Conversation.objects.across_workspaces("time passes for all")
    everywhere.filter(id=thread).update(due_at=now())


def last(shop: Shop, thread: str) -> str:
    return queries.messages(shop.kefu, thread)[-1].text


def test_who_waits_for_long_is_told_once_and_may_leave_an_address(shop: Shop) -> None:
    thread = waiting(shop)
    assert due.tell_nobody_came() == 0
    late(thread)
    assert (due.tell_nobody_came(), due.tell_nobody_came(), due.close_idle()) == (1, 0, 0)
    assert "Leave your e-mail address" in last(shop, thread)
    shown = queries.conversation(shop.kefu, thread)
    assert (shown.status, shown.address_wanted) == ("waiting", True)
    shop.say(thread, "I am still here")
    assert due.tell_nobody_came() == 0
    actions.leave_address(shop.program, conversation_id=thread, email="joe@example.com")
    shown = queries.conversation(shop.kefu, thread)
    assert (shown.status, shown.address_wanted) == ("waiting", False)
    assert contacts.contact(shop.kefu, shown.contact_id).profile == {"email": "joe@example.com"}


def test_an_address_in_the_next_message_is_kept(shop: Shop) -> None:
    thread = waiting(shop)
    late(thread)
    due.tell_nobody_came()
    shop.say(thread, "Write to joe@example.com please")
    shown = queries.conversation(shop.kefu, thread)
    assert shown.address_wanted is False
    assert contacts.contact(shop.kefu, shown.contact_id).profile == {"email": "joe@example.com"}
    assert "joe@example.com" not in str([row.text for row in queries.messages(shop.kefu, thread)])


@pytest.mark.parametrize("outcome", ["take", "resolve", "give_back"])
def test_nobody_is_told_of_waiting_that_has_ended(shop: Shop, outcome: str) -> None:
    thread = waiting(shop)
    getattr(actions, outcome)(shop.owner, conversation_id=thread)
    due_at = Conversation.objects.of(shop.workspace_id).get(id=thread).due_at
    assert due_at is None or due_at > now() + timedelta(minutes=29)
    assert due.tell_nobody_came() == 0


def test_waiting_anew_is_told_anew(shop: Shop) -> None:
    thread = waiting(shop)
    late(thread)
    assert due.tell_nobody_came() == 1
    actions.take(shop.owner, conversation_id=thread)
    assert queries.conversation(shop.kefu, thread).address_wanted is False
    actions.assign(shop.owner, conversation_id=thread, member_id=None)
    late(thread)
    assert due.tell_nobody_came() == 1


@pytest.mark.parametrize(
    ("workspace", "channel", "minutes"),
    [
        ({}, {}, 5),
        ({"nobody_came_seconds": 60}, {}, 1),
        ({}, {"nobody_came_seconds": 120}, 2),
        ({}, {"nobody_came_seconds": 0}, None),
    ],
)
def test_how_long_is_a_setting_of_workspace_and_channel(workspace: Any, channel: Any, minutes: int | None) -> None:
    shop = made_shop(settings=channel)
    desk_of(shop.owner).patch("/settings", {"settings": workspace})
    row = Conversation.objects.of(shop.workspace_id).get(id=waiting(shop))
    assert row.waiting_since is not None
    assert row.due_at == (row.waiting_since + timedelta(minutes=minutes) if minutes else None)


def test_the_words_are_in_the_customers_language_or_the_channels_own(shop: Shop) -> None:
    chinese = made_shop(settings={"language": "zh"})
    own = made_shop(settings={"nobody_came_text": {"en": "We are asleep."}})
    for each, words in ((chinese, "目前没有空闲的客服人员"), (own, "We are asleep.")):
        thread = waiting(each)
        late(thread)
        due.tell_nobody_came()
        assert words in last(each, thread)


def test_a_conversation_that_waits_is_never_closed_for_idleness(shop: Shop) -> None:
    thread = waiting(shop)
    late(thread)
    assert due.close_idle() == 0
    assert queries.conversation(shop.kefu, thread).status == "waiting"


def test_what_has_passed_is_forgotten(shop: Shop) -> None:
    from django.contrib.sessions.models import Session

    desk = desk_of(shop.owner)
    desk.post("/live-ticket")
    Session.objects.update(expire_date=now() - timedelta(days=1))
    accounts_due.forget_old()
    accounts_due.forget_old()
    assert not Session.objects.exists()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL sees to its statistics by itself")
def test_a_database_that_is_written_to_hinders_no_housekeeping(shop: Shop) -> None:
    def busy(execute: Any, sql: str, *rest: Any) -> Any:
        if sql == "PRAGMA optimize":
            raise OperationalError("database is locked")
        return execute(sql, *rest)

    with connection.execute_wrapper(busy):
        accounts_due.forget_old()
