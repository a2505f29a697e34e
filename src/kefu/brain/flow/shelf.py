"""Flows in memory: for tests, the simulator, and command lines."""

from collections.abc import Iterable, Sequence

from kefu.contracts.flow import Flow


class Shelf:
    """A FlowShelf over given flows; of several versions the highest is live."""

    def __init__(self, flows: Iterable[Flow]) -> None:
        self._flows = {(flow.id, flow.version): flow for flow in flows}
        self._live = {flow_id: self._flows[flow_id, version] for flow_id, version in sorted(self._flows)}

    def get(self, flow_id: str, version: int | None = None) -> Flow | None:
        return self._live.get(flow_id) if version is None else self._flows.get((flow_id, version))

    def live(self) -> Sequence[Flow]:
        return tuple(self._live.values())
