"""Second factors, sessions, single sign-on, the audit trail and contacts at the command line."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from click.testing import CliRunner, Result

from kefu.cli import accounts as commands
from kefu.cli.contacts import contacts
from kefu.desk.actor import Role
from kefu.kit.errors import KefuError

from .desks import desk_of, user_of
from .shops import Shop, made_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(commands, "ready", lambda: None)  # the database is the test's own, and ready
    return made_shop()


def kefu(shop: Shop, group: Any, *arguments: str) -> Result:
    result = CliRunner().invoke(group, [*arguments, "-w", shop.slug])
    if result.exception and not isinstance(result.exception, SystemExit | KefuError):
        raise result.exception
    return result


def test_a_lost_second_factor_is_reset(shop: Shop) -> None:
    user = user_of(shop.owner)
    Authenticator.objects.create(user=user, type="totp", data={})
    assert "password alone" in kefu(shop, commands.members, "reset-2fa", user.email).output
    assert "no second factor" in kefu(shop, commands.members, "reset-2fa", user.email).output
    refused = kefu(shop, commands.members, "reset-2fa", "nobody@example.com").exception
    assert isinstance(refused, KefuError)


def test_sessions_are_listed_and_ended(shop: Shop) -> None:
    desk = desk_of(shop.owner)
    desk.get("/members")
    email = user_of(shop.owner).email
    found = json.loads(kefu(shop, commands.members, "sessions", email, "--json").output)
    assert [each["address"] for each in found["sessions"]] == ["127.0.0.1"]
    assert "127.0.0.1" in kefu(shop, commands.members, "sessions", email).output
    assert "Ended 1" in kefu(shop, commands.members, "sessions", email, "--end").output
    desk.get("/members", expect=401)


def test_single_sign_on_is_set_without_the_secret_on_the_command_line(shop: Shop, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("between us\n")
    given = ("--issuer", "https://login.example.com", "--client-id", "kefu", "--secret-file", str(secret))
    found = json.loads(kefu(shop, commands.sso, "set", *given, "--domain", "example.com", "--json").output)
    assert (found["has_secret"], found["domains"], found["is_on"]) == (True, ["example.com"], False)
    shown = kefu(shop, commands.sso, "show").output
    assert "https://login.example.com" in shown
    assert "between us" not in shown
    assert isinstance(kefu(shop, commands.sso, "set", "--issuer", "x", "--on").exception, KefuError)


def test_the_audit_trail_is_written_as_csv(shop: Shop) -> None:
    member = shop.member(Role.AGENT)
    text = kefu(shop, commands.audit, "--kind", "member.invited", "--member", "system").output
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["row"] == member.id
    assert json.loads(rows[0]["after"]) == {"role": "agent"}
    assert kefu(shop, commands.audit, "--until", "2020-01-01").output.count("\n") == 1


def test_what_is_not_given_of_an_attribute_stays(shop: Shop) -> None:
    given = ("--title", "Plan", "--kind", "choice", "--choice", "Gold", "--told")
    kefu(shop, contacts, "attribute", "plan", *given)
    shown = kefu(shop, contacts, "attribute", "plan", "--not-told").output
    assert shown.split() == ["plan", "choice", "(Gold)", "Plan"]
    assert "told to the assistant" in kefu(shop, contacts, "attribute", "plan", "--told").output
    assert kefu(shop, contacts, "attribute", "plan", "--kind", "text").output.split()[1] == "text"


def test_contacts_come_in_go_out_and_are_blocked(shop: Shop, tmp_path: Path) -> None:
    table, out = tmp_path / "in.csv", tmp_path / "out.csv"
    table.write_text("id,name,plan\nu1,Mia,Gold\n,Nobody,\n", encoding="utf-8")
    assert (
        "choice (Gold)"
        in kefu(shop, contacts, "attribute", "plan", "--kind", "choice", "--choice", "Gold", "--told").output
    )
    made = kefu(shop, contacts, "import", str(table), "--channel", shop.channel_id, "--json")
    assert json.loads(made.stdout)["made"] == 1
    [row] = json.loads(kefu(shop, contacts, "list", "--search", "mia", "--json").output)["contacts"]
    assert "blocked" in kefu(shop, contacts, "block", row["id"]).output
    assert "0 refused" in kefu(shop, contacts, "list", "--blocked").output
    kefu(shop, contacts, "block", row["id"], "--undo")
    assert kefu(shop, contacts, "list", "--blocked").output == ""
    kefu(shop, contacts, "table", str(out))
    [line] = csv.DictReader(out.open(encoding="utf-8"))
    assert (line["name"], line["plan"]) == ("Mia", "Gold")
