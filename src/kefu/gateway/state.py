"""What the gateway's routes share: rows, hub, dispatch, gate."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from kefu.desk.actor import Actor
from kefu.gateway.gate import Gate
from kefu.gateway.hub import Hub
from kefu.gateway.intake import Intake
from kefu.gateway.live import MemberEvents, Presence
from kefu.gateway.rows import Rows

if TYPE_CHECKING:
    from kefu.gateway.calls.switchboard import Switchboard
    from kefu.gateway.dispatch import Dispatch  # which asks after the end by routes of its own
    from kefu.gateway.hooks import Hooks


@dataclass(frozen=True)
class Gateway:
    rows: Rows
    intake: Intake
    hub: Hub
    dispatch: "Dispatch"
    gate: Gate
    member_events: MemberEvents
    presence: Presence
    hooks: "Hooks"
    calls: "Switchboard"


def gateway_of(connection: HTTPConnection) -> Gateway:
    """The gateway that serves this connection."""
    return connection.app.state.gateway  # type: ignore[no-any-return]


async def entered(connection: HTTPConnection) -> tuple[Gateway, Actor]:
    """The gateway and who calls. Raises NotSignedIn, Busy."""
    gateway = gateway_of(connection)
    return gateway, await gateway.gate.actor(connection)
