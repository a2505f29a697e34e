"""Apps are told of each other by name: starting loads none of them, telling loads all."""

import subprocess
import sys

import pytest

from kefu.desk.inbox.listeners import AFTER_END, FOLLOWERS, WATCHERS
from kefu.desk.listeners import Listeners

HEAVY = ("kefu.brain", "kefu.knowledge.search", "kefu.desk.inbox.actions", "numpy", "onnxruntime", "fastapi")


def test_starting_loads_neither_the_mind_nor_the_gateway() -> None:
    """Every command of the command line starts: what it need not load is a second of whoever waits for it."""
    loaded = f"[name for name in {HEAVY!r} if name in sys.modules]"
    program = f"import sys; from kefu.desk.boot import boot; boot(); print({loaded})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("listeners", [WATCHERS, FOLLOWERS, AFTER_END])
def test_every_name_leads_to_a_listener(listeners: Listeners[object]) -> None:
    assert list(listeners)


def test_a_listener_is_told_once_and_in_its_turn() -> None:
    listeners: Listeners[object] = Listeners()
    for name in ("json:loads", "json:dumps", "json:loads"):
        listeners.add(name)
    import json

    assert list(listeners) == [json.loads, json.dumps]
    listeners.add("json:load")
    assert list(listeners)[-1] is json.load
