"""What members' programs stand on: the API's description, written down.

When a change is meant: KEFU_RENEW_OPENAPI=1 python -m pytest tests/desk/test_openapi.py, then read the difference.
"""

import json
import os
from pathlib import Path
from typing import Any

from ninja import Schema

from kefu.desk.api import api

WRITTEN = Path(__file__).with_name("openapi.json")


def described() -> Any:
    return json.loads(json.dumps(api.get_openapi_schema()))


def test_the_api_is_as_it_was_written_down() -> None:
    found = described()
    if os.environ.get("KEFU_RENEW_OPENAPI"):
        WRITTEN.write_text(json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    assert found == json.loads(WRITTEN.read_text(encoding="utf-8")), __doc__


def test_every_route_says_what_it_does_and_is_guarded() -> None:
    open_to_all = {"session", "log_in", "log_out", "invitation", "accept", "log_in_with_code", "ways"}
    for path, methods in described()["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description"), f"{method} {path} needs a docstring"
            assert operation.get("tags"), f"{method} {path} needs a tag"
            name = operation["operationId"].rpartition("_api_")[2]
            assert (name in open_to_all) != bool(operation.get("security")), f"{method} {path}"


def test_no_two_shapes_share_a_name() -> None:
    """The description names shapes by their class alone: of two, one would be described as the other."""
    places: dict[str, set[str]] = {}
    for kind in all_below(Schema):
        if kind.__module__.startswith("kefu.desk.") and kind.__name__ != "Request":
            places.setdefault(kind.__name__, set()).add(kind.__module__)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def all_below(kind: type) -> set[type]:
    return {each for below in kind.__subclasses__() for each in {below, *all_below(below)}}
