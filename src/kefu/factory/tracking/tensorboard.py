"""Runs as event files that TensorBoard shows; written without torch or TensorFlow."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kefu.contracts.job import Job
from kefu.contracts.model_card import ModelCard
from kefu.kit.optional import require

_EXTRA = "tensorboard"


class TensorBoard:
    """`follow.Tracker`: a folder for each run, named by the model and its beginning, in the one that it shows."""

    name = "TensorBoard"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = require("tensorboard.summary.writer.event_file_writer", extra=_EXTRA)
        self._events = require("tensorboard.compat.proto.event_pb2", extra=_EXTRA)
        self._summaries = require("tensorboard.compat.proto.summary_pb2", extra=_EXTRA)
        self._writer: Any = None
        self._run = self._data = ""

    def begin(self, job: Job, known: str) -> str:
        run = known or f"{Path(job.out).name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        self._writer = self._files.EventFileWriter(str(self._folder / run))
        self._run, self._data = run, Path(job.data).name
        return run

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        kind = self._summaries.Summary
        self._add(kind(value=[kind.Value(tag=name, simple_value=value) for name, value in values.items()]), step)
        self._writer.flush()

    def finish(self, card: ModelCard, folder: Path) -> None:
        self.scalars({f"model/{name}": value for name, value in card.metrics.items()}, 0)
        self._hyper_parameters({"recipe": card.recipe, "data": self._data, **card.options})
        self._text("card", f"```\n{card.to_json()}\n```")
        report = folder / "report.json"
        if report.is_file():
            self._text("report", f"```\n{json.dumps(json.loads(report.read_text('utf-8')), indent=1)}\n```")

    def close(self, *, failed: bool) -> None:
        if self._writer is not None:
            self._writer.close()

    def _hyper_parameters(self, options: Mapping[str, Any]) -> None:
        hparams = require("tensorboard.plugins.hparams.summary_v2", extra=_EXTRA)
        plain = {name: value if isinstance(value, str | int | float) else str(value) for name, value in options.items()}
        self._add(hparams.hparams_pb(plain, trial_id=self._run), 0)

    def _text(self, tag: str, text: str) -> None:
        # By hand: the library's own way to write texts asks for TensorFlow.
        tensors = require("tensorboard.compat.proto.tensor_pb2", extra=_EXTRA)
        types = require("tensorboard.compat.proto.types_pb2", extra=_EXTRA)
        kind = self._summaries.SummaryMetadata
        metadata = kind(plugin_data=kind.PluginData(plugin_name="text"), display_name=tag)
        tensor = tensors.TensorProto(dtype=types.DT_STRING, string_val=[text.encode()])
        value = self._summaries.Summary.Value(tag=tag, metadata=metadata, tensor=tensor)
        self._add(self._summaries.Summary(value=[value]), 0)

    def _add(self, summary: Any, step: int) -> None:
        self._writer.add_event(self._events.Event(wall_time=time.time(), step=step, summary=summary))
