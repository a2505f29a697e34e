"""The mail channel on a running server, against Dovecot as Debian ships it."""

import os
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kefu.channels.mail.client import Mailbox, encryption
from kefu.channels.mail.reading import OURS, read_mail
from kefu.contracts.channel import manifest
from kefu.desk.channels import check_channel, send_test
from kefu.desk.inbox import actions, queries
from kefu.kit.errors import BadInput

from .conftest import ANSWER, APPROVED, Line, eventually
from .mail_server import DOVECOT, MailServer, mail_server

OWN = "help@shop.example"
ANNA = "anna@customers.example"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40

needs_dovecot = pytest.mark.skipif(
    not Path(DOVECOT).exists() or os.geteuid() != 0,
    reason="Needs Dovecot, started by root: apt-get install dovecot-imapd dovecot-lmtpd",
)


def mail(text: str, *, subject: str = "A question", number: int = 1, **headers: str) -> EmailMessage:
    made = EmailMessage()
    named = {
        "From": f"Anna Berg <{ANNA}>",
        "To": OWN,
        "Subject": subject,
        "Message-ID": f"<{number}@customers.example>",
    }
    for name, value in {**named, **{key.replace("_", "-"): value for key, value in headers.items()}}.items():
        made[name] = value
    made.set_content(text)
    return made


def said(made: EmailMessage) -> str:
    read = read_mail(made.as_bytes(), OWN)
    assert read.incoming is not None, read.refused
    return "\n".join(part.text for part in read.incoming.parts if part.kind == "text")


class TestReading:
    def test_a_mail_is_a_message_of_its_sender(self) -> None:
        read = read_mail(mail("Where is my parcel?").as_bytes(), OWN)
        assert read.incoming is not None
        assert (read.incoming.contact, read.incoming.external_id) == (ANNA, "<1@customers.example>")
        assert read.incoming.profile == {"name": "Anna Berg", "email": ANNA}
        assert read.incoming.context["subject"] == "A question"

    @pytest.mark.parametrize(
        "text",
        [
            "On Mon, 2 Nov 2026 at 10:00, Lamp Shop <help@shop.example> wrote:\n> Hello Anna,\n> 12",
            "-----Original Message-----\nFrom: Lamp Shop\nSent: Monday\nTo: Anna\nSubject: Re\n\nHello",
            "-- \nAnna Berg\nSales, Example Ltd\n+44 20 7946 0000",
            "Am 02.11.2026 um 10:00 schrieb Lamp Shop <help@shop.example>:\n> Hallo",
            "> Hello Anna,\n> 12 days\n",
        ],
        ids=["quoted", "outlook", "signature", "german", "bare"],
    )
    def test_quotes_and_signatures_are_left_out(self, text: str) -> None:
        assert said(mail(f"Thank you, that helped.\n\n{text}")) == "Thank you, that helped."

    @pytest.mark.parametrize(
        "text",
        [
            "谢谢，已经解决了。\n\n------------------ 原始邮件 ------------------\n发件人: 灯具店\n您好",
            "谢谢，已经解决了。\n\n在 2026年11月2日 10:00，灯具店 <help@shop.example> 写道：\n> 您好",
            "谢谢，已经解决了。\n\n于 2026-11-02 10:00:12，灯具店写道:\n您好",
        ],
    )
    def test_what_chinese_programs_quote_is_left_out(self, text: str) -> None:
        assert said(mail(text)) == "谢谢，已经解决了。"

    def test_quotes_between_answers_stay(self) -> None:
        text = "> Which colour?\nRed.\n> Which size?\nLarge."
        assert said(mail(text)) == text

    def test_html_becomes_what_it_says(self) -> None:
        made = EmailMessage()
        made["From"], made["To"], made["Message-ID"] = ANNA, OWN, "<h@customers.example>"
        made.set_content(
            "<html><style>p{color:red}</style><body><p>Where is<br>my <b>parcel</b>?</p><script>x()</script>"
            "<blockquote>Old words</blockquote></body></html>",
            subtype="html",
        )
        assert said(made).split() == ["Where", "is", "my", "parcel?"]

    @pytest.mark.parametrize(
        "headers",
        [
            {"Auto_Submitted": "auto-replied"},
            {"Precedence": "bulk"},
            {"List_Id": "<news.example>"},
            {"X_Autoreply": "yes"},
            {"From": "MAILER-DAEMON@customers.example"},
            {"From": "no-reply@customers.example"},
            {"From": OWN},
            {"From": "nobody"},
        ],
    )
    def test_machines_lists_and_ourselves_are_not_answered(self, headers: dict[str, str]) -> None:
        assert read_mail(mail("I am away.", **headers).as_bytes(), OWN).refused == "unknown_sender"

    def test_a_reply_belongs_to_the_thread_of_the_first_mail(self) -> None:
        first = read_mail(mail("Hello").as_bytes(), OWN).incoming
        headers = {"In_Reply_To": "<2@shop.example>", "References": "<1@customers.example> <2@shop.example>"}
        later = read_mail(mail("And?", number=3, **headers).as_bytes(), OWN).incoming
        other = read_mail(mail("Another matter", number=4).as_bytes(), OWN).incoming
        assert first is not None
        assert later is not None
        assert other is not None
        assert first.thread == later.thread != other.thread
        ours = f"<kefu.{first.thread}.dlv_1.0@shop.example>"
        bare = read_mail(mail("And?", number=5, In_Reply_To=ours).as_bytes(), OWN).incoming
        assert bare is not None
        assert bare.thread == first.thread

    def test_files_come_along(self) -> None:
        made = mail("See the picture.")
        made.add_attachment(PNG, maintype="image", subtype="png", filename="lamp.png")
        read = read_mail(made.as_bytes(), OWN)
        assert read.incoming is not None
        assert [(part.kind, part.name) for part in read.incoming.parts] == [("text", ""), ("image", "lamp.png")]

    @settings(max_examples=300, deadline=None)
    @given(st.binary(max_size=2000))
    def test_any_bytes_are_read_or_refused(self, raw: bytes) -> None:
        read = read_mail(raw, OWN)
        assert (read.incoming is None) == (read.refused is not None)

    @settings(max_examples=100, deadline=None)
    @given(st.text(max_size=500), st.sampled_from(["Subject", "From", "References", "Date", "Content-Type"]))
    def test_odd_headers_do_no_harm(self, value: str, name: str) -> None:
        raw = f"From: {ANNA}\r\nMessage-ID: <1@x>\r\n{name}: {value}\r\n\r\nHello".encode("utf-8", "replace")
        read = read_mail(raw, OWN)
        assert (read.incoming is None) == (read.refused is not None)


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    with mail_server() as made:
        yield made


@pytest.fixture
def line(open_line: Callable[..., Line], server: MailServer) -> Line:
    server.taken.clear()
    made = open_line("mail", server.values())
    # The first look only takes the folder's end as its beginning.
    eventually(lambda: queries.recalled(made.channel_id, "mark"))
    return made


def answers(server: MailServer, count: int) -> list[EmailMessage]:
    return eventually(lambda: server.taken if len(server.taken) >= count else [])  # type: ignore[no-any-return]


@needs_dovecot
@pytest.mark.xdist_group("mail")
class TestMailbox:
    def test_a_mail_is_answered_in_its_thread(self, line: Line, server: MailServer) -> None:
        server.deliver(mail(APPROVED, subject="Opening hours"))
        [answer] = answers(server, 1)
        assert answer.get_content().strip() == ANSWER
        assert (answer["To"], answer["Subject"]) == (ANNA, "Re: Opening hours")
        assert str(answer["From"]) == "Lamp Shop <help@shop.example>"
        assert answer["In-Reply-To"] == "<1@customers.example>"
        assert answer["Auto-Submitted"] == "auto-replied"
        assert OURS.fullmatch(str(answer["Message-ID"]))
        assert line.settled(1) == ["sent"]
        assert eventually(lambda: b"\\Seen" in server.flags()[-1])

    def test_a_reply_goes_on_in_the_same_conversation(self, line: Line, server: MailServer) -> None:
        server.deliver(mail(APPROVED, number=11))
        [first] = answers(server, 1)
        follow = mail(f"And when are you open?\n\nOn Monday, Lamp Shop wrote:\n> {ANSWER}", number=12)
        follow["In-Reply-To"] = str(first["Message-ID"])
        server.deliver(follow)
        answers(server, 2)
        rows = line.messages()
        assert len({row.conversation_id for row in rows}) == 1
        assert [row.text for row in rows if row.author == "contact"] == [APPROVED, "And when are you open?"]

    def test_a_member_s_answer_has_its_files(self, line: Line, server: MailServer) -> None:
        server.deliver(mail("I want to talk to a person.", number=21))
        answers(server, 1)
        thread = line.messages()[0].conversation_id
        member = line.member()
        file = actions.add_attachment(member, conversation_id=thread, name="offer.png", data=PNG)
        actions.reply(member, conversation_id=thread, text="Here you are.", attachments=[file.id])
        sent = eventually(lambda: [each for each in server.taken if "Here you are" in str(each.get_body(("plain",)))])
        assert [part.get_filename() for part in sent[0].iter_attachments()] == ["offer.png"]
        assert sent[0]["Auto-Submitted"] is None

    def test_an_automatic_mail_is_counted_and_not_stored(self, line: Line, server: MailServer) -> None:
        server.deliver(mail("I am away until Monday.", number=31, Auto_Submitted="auto-replied"))
        assert eventually(lambda: line.traffic().refused) == {"unknown_sender": 1}
        assert line.messages() == []
        assert server.taken == []

    def test_a_mail_that_is_too_large_is_counted_and_not_stored(self, line: Line, server: MailServer) -> None:
        large = mail("Look at this.", number=32)
        large.add_attachment(b"\0" * (15 * 2**20), maintype="application", subtype="octet-stream", filename="film.bin")
        server.deliver(large)
        assert eventually(lambda: line.traffic().refused) == {"too_large": 1}
        assert line.messages() == []

    def test_a_receiver_who_is_not_there_is_a_dead_delivery(self, line: Line, server: MailServer) -> None:
        server.refuse = "550 No such user"
        server.deliver(mail(APPROVED, number=41))
        assert line.settled(1) == ["dead"]
        assert "No such user" in queries.deliveries(line.actor, line.channel_id)[0].error

    def test_a_full_mailbox_is_tried_again(self, line: Line, server: MailServer) -> None:
        server.refuse = "452 Mailbox full"
        server.deliver(mail(APPROVED, number=51))
        answers(server, 1)
        assert line.settled(1) == ["sent"]

    def test_two_machines_that_talk_are_stopped(self, line: Line, server: MailServer) -> None:
        for number in range(14):
            server.deliver(mail(APPROVED, number=100 + number))
        assert sorted(line.settled(14)) == ["dead"] * 2 + ["sent"] * 12
        assert len(server.taken) == 12

    def test_settings_are_tried_both_ways(self, line: Line, server: MailServer) -> None:
        assert [(each.name, each.passed) for each in check_channel(line.actor, channel_id=line.channel_id)] == [
            ("imap", True),
            ("smtp", True),
        ]

    def test_a_test_message_has_a_subject_and_answers_nothing(self, line: Line, server: MailServer) -> None:
        assert send_test(line.actor, channel_id=line.channel_id, to=ANNA, text="This is a test message.").passed
        assert (server.taken[0]["Subject"], server.taken[0]["In-Reply-To"]) == ("Lamp Shop", None)

    def test_a_wrong_password_is_told_at_its_field(self, open_line: Callable[..., Line], server: MailServer) -> None:
        made = open_line("mail", server.values(password="wrong"))
        found = check_channel(made.actor, channel_id=made.channel_id)
        assert [(each.passed, each.field) for each in found] == [(False, "password"), (False, "password")]

    def test_a_folder_that_is_not_there_is_told_at_its_field(
        self, open_line: Callable[..., Line], server: MailServer
    ) -> None:
        made = open_line("mail", server.values(folder="Nowhere"))
        found = check_channel(made.actor, channel_id=made.channel_id)
        assert [(each.passed, each.field) for each in found] == [(False, "folder"), (True, "smtp")]
        assert found[0].sentence["en"].startswith("The mailbox has no folder 'Nowhere'")


@pytest.mark.parametrize(
    ("security", "port", "spoken"),
    [
        ("tls", 993, "tls"),
        ("tls", 587, "starttls"),
        ("starttls", 587, "starttls"),
        ("starttls", 993, "tls"),
        ("tls", 2465, "tls"),
        ("none", 587, "none"),
    ],
)
def test_a_port_is_spoken_with_as_it_is_known_for(security: str, port: int, spoken: str) -> None:
    box = Mailbox("u", "mail.example", "mail.example", security, "INBOX", allow_private=False, password="x")
    assert encryption(box, port) == spoken


def test_the_form_names_what_is_wrong() -> None:
    with pytest.raises(BadInput, match="Address"):
        manifest("mail").checked(
            {"address": "not an address", "password": "x", "imap": "a.example", "smtp": "a.example"}
        )


def test_an_emptied_field_has_its_default() -> None:
    given = {"address": "a@b.example", "password": "x", "imap": "a.example", "smtp": "a.example", "folder": ""}
    assert manifest("mail").checked(given)["folder"] == "INBOX"
    account = {"app_id": "wx" + "0" * 16, "app_secret": "0" * 32, "token": "t" * 20, "response_seconds": ""}
    assert manifest("wechat").checked(account)["response_seconds"] == "5"
