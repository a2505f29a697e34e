"""The job `tune`: many trainings with other options, the hopeless ones stopped early, the best written as a recipe.

Trials are judged on rows of the training file that are kept apart, never on the validation file: what is chosen on
something is no longer measured by it. Each trial is a process of its own, so several run at once and none outlives us;
the study is a journal beside them, which a killed run is gone on from.
"""

import json
import logging
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import read_card
from kefu.factory.data.read import read, write
from kefu.factory.data.split import split
from kefu.factory.language.corpus import kept_apart, read_as
from kefu.factory.tuning.page import write_best, write_page
from kefu.factory.tuning.space import Dial, asked, dial_of
from kefu.kit import registry
from kefu.kit.errors import BadInput, Conflict
from kefu.kit.optional import require
from kefu.kit.settings import settings

JOURNAL, TRIALS, PARTS, MODEL = "study.jsonl", "trials", "parts", "model"
_STUDY = "tune"
# By task: what a card's trial is judged by, more being better.
_WATCHED = {
    "classify": "accuracy",
    "score": "pearson",
    "tag": "span_f1",
    "embed": "recall_5",
    "rerank": "mrr",
    "language": "log_likelihood",
    "generate": "log_likelihood",
}
# Before so many trials have finished there is no middle to be worse than; Optuna's own default is 5.
_UNPRUNED_TRIALS, _UNPRUNED_EPOCHS = 4, 1


class TuneOptions(BaseModel):
    """Options of a tuning: `space` are the options that vary, `fixed` those that do not.

    Whoever cannot read a recipe's manifest gives both as `written`, a value, LOW..HIGH or THIS|THAT by option.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    trials: int = Field(default=20, ge=2, le=10_000, description="trainings in all")
    parallel: int = Field(default=1, ge=1, le=64, description="trainings at once")
    minutes: float = Field(default=0, ge=0, description="begin no more trainings after; 0 for no limit")
    share: float = Field(default=0.2, gt=0, lt=1, description="of the data, what trials are judged on")
    seed: int = Field(default=0, ge=0, description="of the parts, of what is tried, and of each training")
    space: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    fixed: Mapping[str, Any] = Field(default_factory=dict)
    written: Mapping[str, Any] | None = Field(default=None)


def tune(job: Job, tell: Tell) -> Mapping[str, Any]:
    """Look for the options of `job.recipe` that do best on a part of `job.data`; gives them and how they were found.

    `job.out` gets best.yaml, trials.csv, report.html and the study; with `job.valid` the best is also trained on all
    the data and measured there, in `job.out`/model. Raises BadInput for data, options or a folder that cannot be used,
    MissingExtra without Optuna, Conflict when no trial came to an end.
    """
    for name in ("recipe", "data", "out"):
        if not getattr(job, name):
            raise BadInput(f"A tuning needs {name}.", missing=name)
    options = _options(job)
    optuna = require("optuna", extra="tune")
    optuna.logging.set_verbosity(logging.ERROR)  # what it says of each trial, we say
    dials = tuple(dial_of(name, table) for name, table in options.space.items())
    if not dials:
        raise BadInput("A tuning needs a space: the options that vary.", missing="space")
    out = _folder(job)
    rows, labels = _parts(job, options, out)
    tell(Told.STARTED, {"kind": "tune", "recipe": job.recipe, "rows": rows, "labels": labels})
    study = _study(optuna, out, options)
    _Search(job, options, dials, study, tell).run()
    found = _finished(study)
    if not found:
        raise Conflict("No trial came to an end; the reason of each stands in trials.csv.", out=str(out))
    result = _result(job, options, study, out)
    if job.valid:
        result |= _trained(job, result["best"], out, tell)
    return result


class _Search:
    """The trials of one run of the job."""

    def __init__(self, job: Job, options: TuneOptions, dials: tuple[Dial, ...], study: Any, tell: Tell) -> None:
        self._job, self._options, self._dials, self._study, self._tell = job, options, dials, study, tell
        self._out = Path(job.out)
        self._running: dict[int, subprocess.Popen[str]] = {}
        self._lock = threading.Lock()  # of the study, which one thread asks at a time
        self._stopped = threading.Event()

    def run(self) -> None:
        """Do the trials that are left. Ctrl-C ends those that run; they are tried again when the job is resumed."""
        left = self._options.trials - len(_settled(self._study))
        until = time.monotonic() + 60 * self._options.minutes if self._options.minutes else None
        pool = ThreadPoolExecutor(self._options.parallel, thread_name_prefix="kefu-trial")
        began: list[Future[None]] = [pool.submit(self._trial, until) for _ in range(max(0, left))]
        try:
            while wait(began, timeout=1).not_done:
                self._tick()
            self._tick()
            for each in began:
                each.result()
        finally:
            self._stopped.set()
            for process in list(self._running.values()):
                process.send_signal(signal.SIGTERM)
            pool.shutdown(wait=True, cancel_futures=True)

    def _tick(self) -> None:
        done = len(_settled(self._study))
        self._tell(Told.PROGRESS, {"done": min(done, self._options.trials), "total": self._options.trials} | _UNIT)

    def _trial(self, until: float | None) -> None:
        optuna = require("optuna", extra="tune")
        states = optuna.trial.TrialState
        if self._stopped.is_set() or (until is not None and time.monotonic() > until):
            return
        with self._lock:
            trial = self._study.ask()
            chosen = {dial.name: dial.suggest(trial) for dial in self._dials}
        folder = self._out / TRIALS / str(trial.number)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        state, value, reason = states.FAIL, None, ""
        try:
            state, value, reason = self._train(trial, chosen, folder, states)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            with self._lock:
                # What was stopped with the job is left as it is: a resumed job takes it for never begun.
                if state is not states.RUNNING and not (self._stopped.is_set() and state is states.FAIL):
                    if reason:
                        trial.set_user_attr("reason", reason)
                    self._study.tell(trial, value if state is states.COMPLETE else None, state=state)
                    self._say(trial.number, state, value, chosen, reason)

    def _train(self, trial: Any, chosen: Mapping[str, Any], folder: Path, states: Any) -> tuple[Any, float | None, str]:
        job = Job(
            "train",
            recipe=self._job.recipe,
            data=str(self._out / PARTS / "train.jsonl.gz"),
            valid=str(self._out / PARTS / "judged.jsonl.gz"),
            out=str(folder / MODEL),
            options={"seed": self._options.seed, "threads": self._threads(), **self._options.fixed, **chosen},
        )
        (folder / "job.json").write_text(job.to_json(), encoding="utf-8")
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", "-m", "kefu.factory", "run", str(folder / "job.json")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,  # in our own folder, to which paths of the job may be relative
        )
        self._running[trial.number] = process
        reason, was_stopped = "", False
        try:
            for event in _events(process):
                # Who stops the job stops its trials, too, and they may hear of it first.
                was_stopped = was_stopped or event.get("event") == Told.CANCELLED
                if event.get("event") == Told.EPOCH and self._is_hopeless(trial, event):
                    return states.PRUNED, None, f"stopped after epoch {event['epoch']}"
                if event.get("event") == Told.FAILED:
                    reason = str(event.get("sentence", ""))
        finally:
            process.terminate()
            process.wait()
            self._running.pop(trial.number, None)
        if not (folder / MODEL / "card.json").is_file():
            return (states.RUNNING, None, "") if was_stopped else (states.FAIL, None, reason or "it was stopped")
        card = read_card(folder / MODEL)
        return states.COMPLETE, float(card.metrics[_WATCHED[card.task]]), ""

    def _threads(self) -> int:
        return max(1, settings().threads // self._options.parallel)

    def _is_hopeless(self, trial: Any, event: Mapping[str, Any]) -> bool:
        """Whether others were better at this epoch; the first metric is what is watched."""
        value = next((each for name, each in event.items() if name in _WATCHED.values()), None)
        if value is None:
            return False
        with self._lock:
            trial.report(float(value), int(event["epoch"]))
            return bool(trial.should_prune())

    def _say(self, number: int, state: Any, value: float | None, chosen: Mapping[str, Any], reason: str) -> None:
        said = ", ".join(
            f"{name} {each:.4g}" if isinstance(each, float) else f"{name} {each}" for name, each in chosen.items()
        )
        came = f"{value:.4f}" if value is not None else reason or state.name.lower()
        with suppress(KeyboardInterrupt):
            self._tell(Told.NOTE, {"sentence": f"Trial {number}: {came} with {said}.", "trial": number, "value": value})


_UNIT = {"unit": "trials"}


def _events(process: "subprocess.Popen[str]") -> Iterator[Mapping[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        with suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict):
                yield event


def _options(job: Job) -> TuneOptions:
    try:
        given = TuneOptions(**job.options)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"Option {'.'.join(map(str, first['loc']))} of a tuning: {first['msg']}.") from None
    if given.written is None:
        return given
    _, space, fixed = asked(job.recipe, [f"{name}={value}" for name, value in given.written.items()])
    return given.model_copy(update={"space": space, "fixed": fixed, "written": None})


def _folder(job: Job) -> Path:
    """Raises BadInput for a folder with something else in it, or one to resume that holds no study."""
    out = Path(job.out)
    has_study = (out / JOURNAL).is_file()
    if job.resume and not has_study:
        raise BadInput(f"There is no tuning in {out} to go on from; tune without resume.", out=str(out))
    if not job.resume and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(
            f"{out} is not empty; choose another folder" + (", or go on with --resume." if has_study else "."),
            out=str(out),
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror}.", out=str(out)) from error
    return out


def _parts(job: Job, options: TuneOptions, out: Path) -> tuple[int, int]:
    """Write what is learnt from and what is judged on, once; gives the rows and labels of the first."""
    registry.load("recipes", job.recipe, object)  # a missing extra is told before a large file is split
    data = read_as(job.recipe, Path(job.data))
    kept = out / PARTS / "data.sha256"
    if kept.is_file():
        if kept.read_text(encoding="ascii") != data.sha256:
            raise BadInput("The study was begun with other data; tune in another folder.", data=job.data)
        train = read(out / PARTS / "train.jsonl.gz")
        return len(train.examples), len(train.labels)
    if "language" in registry.manifests("recipes")[job.recipe].roles:
        train, judged = kept_apart(data, seed=options.seed, share=options.share)
    else:
        train, judged = split(data, (1 - options.share, options.share), seed=options.seed)
    (out / PARTS).mkdir(exist_ok=True)
    for part, name in ((train, "train"), (judged, "judged")):
        write(part, out / PARTS / f"{name}.jsonl.gz")
    kept.write_text(data.sha256, encoding="ascii")
    return len(train.examples), len(train.labels)


def _study(optuna: Any, out: Path, options: TuneOptions) -> Any:
    """The study in a folder. Trials that ran when their process was killed count as never begun."""
    from optuna.storages.journal import JournalFileBackend

    storage = optuna.storages.JournalStorage(JournalFileBackend(str(out / JOURNAL)))
    study = optuna.create_study(
        storage=storage,
        study_name=_STUDY,
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(_UNPRUNED_TRIALS, _UNPRUNED_EPOCHS),
    )
    states = optuna.trial.TrialState
    for each in study.get_trials(states=(states.RUNNING,)):
        study.tell(each.number, state=states.FAIL)
    # A resumed run goes on, in place of trying the same values again.
    begun = len(study.get_trials())
    study.sampler = optuna.samplers.TPESampler(seed=options.seed + begun, constant_liar=options.parallel > 1)
    return study


def _settled(study: Any) -> list[Any]:
    """Trials that count: finished, pruned, or failed of themselves."""
    return [each for each in study.get_trials(deepcopy=False) if _is_settled(each)]


def _is_settled(trial: Any) -> bool:
    return trial.state.is_finished() and (trial.state.name != "FAIL" or "reason" in trial.user_attrs)


def _finished(study: Any) -> list[Any]:
    return [each for each in study.get_trials(deepcopy=False) if each.state.name == "COMPLETE"]


def _result(job: Job, options: TuneOptions, study: Any, out: Path) -> dict[str, Any]:
    best = study.best_trial
    chosen = {**options.fixed, **best.params}
    importance = _importance(study)
    write_best(out, job.recipe, chosen, value=best.value, trials=len(_settled(study)), share=options.share)
    write_page(out, job.recipe, study.get_trials(deepcopy=False), best, importance)
    counts = {state: sum(1 for each in _settled(study) if each.state.name == name) for state, name in _STATES}
    return {
        "best": chosen,
        "value": best.value,
        "importance": importance,
        "recipe_file": str(out / "best.yaml"),
        **counts,
    }


_STATES = (("finished", "COMPLETE"), ("pruned", "PRUNED"), ("failed", "FAIL"))


def _importance(study: Any) -> dict[str, float]:
    """How much of the difference between trials each option explains (fANOVA, Hutter 2014); nothing for too few."""
    optuna = require("optuna", extra="tune")
    values = {each.value for each in _finished(study)}
    if len(values) < 2:  # nothing differs
        return {}
    found: Mapping[str, float] = optuna.importance.get_param_importances(
        study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0)
    )
    return {name: round(float(value), 4) for name, value in found.items()}


def _trained(job: Job, chosen: Mapping[str, Any], out: Path, tell: Tell) -> dict[str, Any]:
    """The best options on all the data, measured on the validation file."""
    from kefu.factory.run import run

    tell(Told.NOTE, {"sentence": "Training the best options on all the data."})
    shutil.rmtree(out / MODEL, ignore_errors=True)
    card: Any = run(
        Job("train", recipe=job.recipe, data=job.data, valid=job.valid, out=str(out / MODEL), options=chosen), tell
    )
    return {"model": str(out / MODEL), "metrics": dict(card.metrics)}
