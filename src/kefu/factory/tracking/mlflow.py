"""Runs on an MLflow server, or in whatever place its library writes to."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kefu.contracts.job import Job
from kefu.contracts.model_card import CARD_FILE, ModelCard
from kefu.kit.optional import require

_EXTRA = "mlflow"
# The experiment that runs belong to where MLFLOW_EXPERIMENT_NAME names no other.
_EXPERIMENT = "kefu"
_LONGEST = 500  # characters of an option's value that every MLflow server takes
# What a metric's name may not hold.
_ODD = re.compile(r"[^\w\-. /]")
# The library tries a server that does not answer for minutes; a training need not wait for what only follows it.
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
_ARTEFACTS = ("report.html", "report.json", "README.md", CARD_FILE)


class MLflow:
    """`follow.Tracker`."""

    name = "MLflow"

    def __init__(self, address: str) -> None:
        self._address = address
        # A company's training is nobody else's business: the library reports its use to its makers unless told not to.
        for name, value in {"MLFLOW_DISABLE_TELEMETRY": "true", **_PATIENCE}.items():
            os.environ.setdefault(name, value)
        self._library = require("mlflow", extra=_EXTRA)
        self._client: Any = None
        self._run = ""

    def begin(self, job: Job, known: str) -> str:
        self._client = self._library.MlflowClient(self._address)
        if known:
            self._run = known
            self._client.update_run(self._run, status="RUNNING")
            return known
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "") or _EXPERIMENT
        experiment = self._client.get_experiment_by_name(name)
        place = experiment.experiment_id if experiment is not None else self._client.create_experiment(name)
        self._run = str(self._client.create_run(place, run_name=Path(job.out).name).info.run_id)
        self._parameters({"recipe": job.recipe, "data": Path(job.data).name, **job.options})
        return self._run

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._client.log_metric(self._run, _ODD.sub("_", name), value, step=step)

    def finish(self, card: ModelCard, folder: Path) -> None:
        known = self._client.get_run(self._run).data.params  # a parameter is written once
        self._parameters({name: value for name, value in card.options.items() if name not in known})
        self.scalars({f"model/{name}": value for name, value in card.metrics.items()}, 0)
        for name in _ARTEFACTS:
            if (folder / name).is_file():
                self._client.log_artifact(self._run, str(folder / name))

    def close(self, *, failed: bool) -> None:
        if self._run:
            self._client.set_terminated(self._run, "FAILED" if failed else "FINISHED")

    def _parameters(self, options: Mapping[str, Any]) -> None:
        for name, value in options.items():
            self._client.log_param(self._run, name, str(value)[:_LONGEST])
