"""`/metrics` for Prometheus: numbers of this process and of the rows, for whoever holds the token. No personal data."""

import hmac
from collections.abc import Iterable, Iterator

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from starlette.responses import Response

from kefu.desk.inbox.timelines import Standing
from kefu.desk.insights.queries.live import standing_everywhere, waiting_figures
from kefu.gateway.counted import figures
from kefu.gateway.state import gateway_of
from kefu.kit.errors import NotFound, NotSignedIn
from kefu.kit.settings import settings

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Figures in Prometheus' text format."""
    _require_token(request)
    gateway = gateway_of(request)
    standing = await gateway.rows.read(standing_everywhere)
    late = await gateway.rows.read(waiting_figures)
    now = _Now(standing, late, gateway.dispatch.in_flight, gateway.presence.number)
    own = CollectorRegistry()
    own.register(now)
    return Response(generate_latest(figures().registry) + generate_latest(own), media_type=CONTENT_TYPE_LATEST)


class _Now:
    """What stands in the rows, and in this process, at one moment."""

    def __init__(self, standing: Standing, waiting_figures: int, in_flight: int, online: int) -> None:
        self._standing, self._late, self._in_flight, self._online = standing, waiting_figures, in_flight, online

    def collect(self) -> Iterator[Metric]:
        found = self._standing
        yield _gauge("kefu_conversations", "Conversations under way, by status.", found.conversations.items())
        yield _gauge("kefu_turns_waiting", "Turns to be answered, by state.", found.turns.items())
        yield GaugeMetricFamily("kefu_unassigned", "Conversations before people that nobody has.", found.unassigned)
        yield GaugeMetricFamily("kefu_longest_wait_seconds", "How long who waits longest has waited.", found.waits)
        yield GaugeMetricFamily("kefu_turns_in_flight", "Turns that this process works on.", self._in_flight)
        yield GaugeMetricFamily("kefu_turns_at_once", "Turns that it works on at most.", settings().turns_at_once)
        yield GaugeMetricFamily("kefu_members_online", "Members with a socket open here.", self._online)
        yield GaugeMetricFamily("kefu_figures_waiting", "Figures that are not rolled up yet.", self._late)


def _gauge(name: str, text: str, numbers: Iterable[tuple[str, int]]) -> GaugeMetricFamily:
    made = GaugeMetricFamily(name, text, labels=["state"])
    for state, number in numbers:
        made.add_metric([state], number)
    return made


def _require_token(request: Request) -> None:
    token = settings().metrics_token
    if not token:
        raise NotFound("Metrics are off; set KEFU_METRICS_TOKEN.")
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode(), token.encode()):
        raise NotSignedIn("The token is not the one of KEFU_METRICS_TOKEN.")
