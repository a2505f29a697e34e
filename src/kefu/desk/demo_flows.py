"""The demo workspace's own logic: the tools of its shop, its flows, and the tests that guard them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import kefu
from kefu.desk.actor import Actor
from kefu.desk.assistants import actions, queries
from kefu.desk.assistants.tools.files import tools_of
from kefu.kit.errors import KefuError
from kefu.kit.log import Log

FOLDER = Path(kefu.__file__).parent / "demo"

_log = Log(__name__)


def learn_flows(actor: Actor) -> None:
    """Give the demo its tools, tests and flows, where they are missing; what was changed stays as it is.

    Questions are answered without them, too, so that one which cannot be read stops no start.
    """
    for learn in (_tools, _tests, _flows):
        with _unharmed(actor):
            learn(actor)


@contextmanager
def _unharmed(actor: Actor) -> Iterator[None]:
    try:
        yield
    except KefuError as error:
        _log.warning("demo_flows_not_learnt", workspace=actor.workspace_id, reason=error.sentence)


def _tools(actor: Actor) -> None:
    known = {tool.spec.name for tool in queries.tools(actor)}
    for definition in tools_of((FOLDER / "tools.yaml").read_text(encoding="utf-8")):
        if definition.get("name") not in known:
            actions.save_tool(actor, definition=definition)


def _tests(actor: Actor) -> None:
    known = {file.name for file in queries.suite_files(actor)}
    for path in sorted((FOLDER / "tests").glob("*.yaml")):
        if path.name not in known:
            actions.save_suite_file(actor, name=path.name, text=path.read_text(encoding="utf-8"))


def _flows(actor: Actor) -> None:
    known = {flow.key for flow in queries.flows(actor)}
    drafts = [
        actions.save_flow(actor, text=path.read_text(encoding="utf-8"))
        for path in sorted((FOLDER / "flows").glob("*.yaml"))
        if path.stem not in known
    ]
    for draft in drafts:  # once all are there: one may call another
        with _unharmed(actor):
            actions.publish_flow(actor, flow_id=draft.info.id, note="The demo's own", run_tests=False)
