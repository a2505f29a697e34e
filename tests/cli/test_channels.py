"""`kefu channels`: added, checked, paused, and failed replies looked after, in this process."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kefu.cli.channels import channels
from kefu.kit import settings
from kefu.kit.errors import KefuError
from kefu.testing.fake_webhook import FakeWebhook

from ..desk.shops import made_shop

pytestmark = pytest.mark.django_db
Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _near(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The fake listens on this machine's own address."""
    with monkeypatch.context() as patch:
        patch.setenv("KEFU_ALLOW_PRIVATE_ADDRESSES", "true")
        settings.reload()
        yield
    settings.reload()


@pytest.fixture
def kefu() -> Run:
    shop = made_shop()

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(channels, [*arguments, "-w", shop.slug])

    return run


def read(done: Result) -> Any:
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def refusal(done: Result) -> str:
    """The sentence that a command says when it fails."""
    assert isinstance(done.exception, KefuError)
    assert done.stdout == ""
    return done.exception.sentence


def test_a_channel_from_adding_to_pausing(kefu: Run) -> None:
    with FakeWebhook() as system:
        values = [f"{key}={value}" for key, value in system.values.items()]
        added = read(kefu("add", "webhook", *values, "--name", "CRM", "--json"))
        assert (added["kind"], added["name"], added["secrets"]) == ("webhook", "CRM", {})
        checked = kefu("check", added["id"], "--to", "u1")
        assert [checked.exit_code, *(line[:2] for line in checked.stdout.splitlines())] == [0, "ok", "ok"]
        assert [body["type"] for body in system.taken.values()] == ["test", "message.reply"]
    assert kefu("check", added["id"]).exit_code == 1
    assert kefu("set", added["id"], "url=https://example.com/replies").exit_code == 0
    assert kefu("pause", added["id"]).exit_code == 0
    [listed] = [each for each in read(kefu("list", "--json"))["channels"] if each["id"] == added["id"]]
    assert listed["paused_at"]
    assert "does not answer" in listed["last_error"]
    assert kefu("resume", added["id"]).exit_code == 0
    assert read(kefu("traffic", added["id"], "--json"))["received"] == 0
    assert read(kefu("dead", added["id"], "--json")) == {"deliveries": []}
    assert kefu("resend", added["id"]).stdout == "0 replies are sent again.\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "pigeon"), "pigeon"),
        (("add", "web"), "channels create NAME --kind web"),
        (("add", "webhook"), "url: Address that replies are sent to is needed."),
        (("add", "webhook", "https://example.com"), "KEY=VALUE"),
        (("add", "webhook", "colour=red"), "no 'colour'"),
        (("pause", "ch_x"), "no such channel"),
        (("greet", "ch_x"), "--en, --zh"),
    ],
    ids=["kind", "built in", "needed", "form", "field", "channel", "greeting"],
)
def test_what_is_wrong_is_said_in_one_sentence(kefu: Run, arguments: tuple[str, ...], words: str) -> None:
    assert words in refusal(kefu(*arguments))


def test_a_greeting_is_set_language_by_language(kefu: Run) -> None:
    added = read(kefu("add", "telegram", f"token=123456789:{'x' * 35}", "--json"))["id"]

    def greeting(*given: str) -> Any:
        from kefu.desk.inbox.models import Channel

        assert kefu("greet", added, *given).exit_code == 0
        return Channel.objects.across_workspaces("a test's").get(id=added).settings.get("greeting")

    assert greeting("--en", "Hello!", "--zh", "您好！") == {"en": "Hello!", "zh": "您好！"}
    assert greeting("--en", "") == {"zh": "您好！"}
    assert greeting("--zh", "") is None
    kinds = CliRunner().invoke(channels, ["kinds"]).stdout
    assert "mode=polling: Kefu fetches them" in kinds


def test_every_kind_is_listed_with_what_it_asks_for() -> None:
    kinds = read(CliRunner().invoke(channels, ["kinds", "--json"]))["kinds"]
    assert {"webhook", "telegram", "wechat", "mail"} <= {each["kind"] for each in kinds}
    assert all(each["fields"] for each in kinds)
