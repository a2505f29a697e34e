"""Teams, routing and promised times on the command line, in this process: each command's own takes seconds to start."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kefu.cli import cli
from kefu.desk.accounts import actions as accounts
from kefu.desk.actor import system
from kefu.kit.errors import KefuError

pytestmark = pytest.mark.django_db
ADDRESS = "ann@example.com"


@pytest.fixture
def kefu(db: None) -> Callable[..., str]:
    """What a command prints, in a workspace with a member."""
    info = accounts.make_workspace(slug="command-line")
    accounts.invite(system(info.id), email=ADDRESS, role=accounts.Role.AGENT, name="Ann")

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(cli, [*arguments, "-w", "command-line"])
        if isinstance(done.exception, KefuError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout

    return run


def read(text: str) -> Any:
    return json.loads(text)


def test_a_team_from_its_making_to_its_end(kefu: Callable[..., str]) -> None:
    made = read(kefu("teams", "create", "Billing", "--method", "least_busy", "--skill", "Refunds", "--json"))
    assert (made["method"], made["skills"], made["members"]) == ("least_busy", ["refunds"], [])
    assert "Ann (lead)" in kefu("teams", "add", "Billing", ADDRESS, "--lead")
    staffed = read(kefu("teams", "staff", ADDRESS, "--skill", "refunds", "--limit", "3", "--json"))
    assert (staffed["skills"], staffed["conversation_limit"], staffed["teams"]) == (["refunds"], 3, [made["id"]])
    assert "Ann: away; refunds; any language; at most 3." in kefu("teams", "staff", ADDRESS, "--availability", "busy")
    assert "Billing: least_busy; Ann (lead)" in kefu("teams", "list")
    assert "nobody yet" in kefu("teams", "remove", "Billing", ADDRESS)
    assert read(kefu("teams", "remove", "Billing", "--json")) == {"removed": made["id"]}
    assert read(kefu("teams", "list", "--json")) == {"teams": []}


def test_rules_and_promises(kefu: Callable[..., str], tmp_path: Path) -> None:
    kefu("teams", "create", "VIP")
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps([{"team": "VIP", "contact": {"plan": "gold"}, "languages": ["zh"]}]), encoding="utf-8")
    kefu("routing", "set", "--rules", str(rules), "--default-team", "VIP", "--no-tell-position")
    shown = kefu("routing", "show")
    assert '1. languages ["zh"]; contact {"plan": "gold"} → VIP' in shown
    assert "Else → VIP." in shown
    assert read(kefu("routing", "show", "--json"))["tells_position"] is False
    of, then = '{"teams": ["VIP"]}', '{"mail": true}'
    made = read(kefu("sla", "create", "Gold", "--first-reply", "600", "--of", of, "--then", then, "--json"))
    assert (made["first_reply_seconds"], made["on_breach"]) == (600, {"mail": True})
    assert "Gold: first reply in 600 s (business hours)" in kefu("sla", "list")
    assert read(kefu("sla", "remove", "Gold", "--json")) == {"removed": made["id"]}


def test_business_hours_of_a_workspace_and_a_team(kefu: Callable[..., str]) -> None:
    kefu("teams", "create", "VIP")
    assert "around the clock" in kefu("hours", "show")
    kefu("hours", "set", "--time-zone", "Asia/Shanghai", "--day", "mon-fri=09:00-12:00,13:00-18:00")
    shown = kefu("hours", "show", "--team", "VIP")  # the workspace's, until it has its own
    assert "fri  09:00-12:00, 13:00-18:00\nsat  closed" in shown
    own = ("--team", "VIP", "--time-zone", "Europe/Berlin", "--day", "sat=10:00-24:00", "--holiday", "2026-12-26")
    found = read(kefu("hours", "set", *own, "--json"))
    assert (found["time_zone"], found["weekly"]["sat"]) == ("Europe/Berlin", [["10:00", "24:00"]])
    assert found["holidays"] == ["2026-12-26"]
    assert "Asia/Shanghai" in kefu("hours", "show")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hours", "set", "--time-zone", "Mars", "--always"), "not a time zone"),
        (("hours", "set", "--time-zone", "UTC"), "--always"),
        (("hours", "set", "--time-zone", "UTC", "--day", "someday=9-5"), "no day with hours"),
        (("hours", "set", "--time-zone", "UTC", "--day", "mon=9-5"), "not a time"),
        (("hours", "show", "--team", "Nobody"), "no team 'Nobody'"),
        (("teams", "remove", "Nobody"), "no team 'Nobody'"),
        (("teams", "staff", "eve@example.com"), "No member"),
        (("routing", "set", "--default-team", "Nobody"), "no team"),
        (("sla", "create", "Never"), "Promise a first reply"),
        (("sla", "create", "Odd", "--first-reply", "60", "--of", "{"), "not JSON"),
        (("sla", "remove", "Nothing"), "no promise 'Nothing'"),
        (("sla", "clocks", "conv_none"), "no such conversation"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_wrong_is_said(kefu: Callable[..., str], arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(KefuError) as refused:
        kefu(*arguments)
    assert said in refused.value.sentence
