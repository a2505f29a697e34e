"""A workspace's flows as turns run them: those that are live, and the versions that runs under way began in."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kefu.contracts.flow import Flow


class FlowBook:
    """A FlowShelf over published versions. `drafts` stand in place of the live flows of their ids."""

    def __init__(self, live: Iterable[Flow], older: Iterable[Flow] = (), drafts: Iterable[Flow] = ()) -> None:
        self._live = {flow.id: flow for flow in (*live, *drafts)}
        self._versions = {(flow.id, flow.version): flow for flow in (*older, *self._live.values())}

    def get(self, flow_id: str, version: int | None = None) -> Flow | None:
        """A flow in that version, or the one that is live."""
        return self._live.get(flow_id) if version is None else self._versions.get((flow_id, version))

    def live(self) -> Sequence[Flow]:
        """The flows that a message may start."""
        return tuple(self._live.values())

    def lacking(self, state: Mapping[str, Any] | None) -> list[tuple[str, int | None]]:
        """The versions that a run under way needs and that are not here."""
        frames = state.get("frames", ()) if state else ()
        pairs = {(frame["flow"], frame["version"]) for frame in frames}
        return sorted(pairs - set(self._versions))

    def with_versions(self, older: Iterable[Flow]) -> "FlowBook":
        """This book and further versions."""
        book = FlowBook(())
        book._live = self._live
        book._versions = {**self._versions, **{(flow.id, flow.version): flow for flow in older}}
        return book
