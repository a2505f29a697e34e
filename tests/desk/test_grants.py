"""The table of what each role may do says what the actions hold to."""

import importlib
import inspect

import pytest

from kefu.desk.actor import Actor, Role
from kefu.desk.grants import GRANTS, Grant
from kefu.kit.errors import NotAllowed

from .desks import desk_for
from .shops import made_shop


@pytest.mark.parametrize("grant", GRANTS, ids=lambda grant: grant.name)
def test_each_function_asks_for_the_role_that_the_table_names(grant: Grant) -> None:
    assert len({each.name for each in GRANTS}) == len(GRANTS)
    for path in grant.functions:
        module, _, name = path.rpartition(".")
        source = inspect.getsource(getattr(importlib.import_module(f"kefu.desk.{module}"), name))
        assert f"Role.{grant.least.name}" in source, path
        assert "require" in source, path


@pytest.mark.parametrize("least", list(Role))
def test_a_role_holds_what_the_ones_below_it_hold(least: Role) -> None:
    grant = next((each for each in GRANTS if each.least is least), None)
    assert grant is not None, f"nothing needs the role {least}"
    for role in Role:
        actor = Actor("ws", "member", "mem", role=role)
        if role in grant.roles:
            actor.require_role(least)
        else:
            with pytest.raises(NotAllowed):
                actor.require_role(least)


@pytest.mark.django_db
def test_everybody_may_read_the_table() -> None:
    found = desk_for(made_shop(), Role.VIEWER).get("/roles")["grants"]
    assert {"name": "change_sign_on", "least": "owner", "roles": ["owner"]} in found
