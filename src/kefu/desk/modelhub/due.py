"""Looking after runs: started when there is room, watched while they work, gathered in when they have ended.

All that is known of a run is in its row and in its folder, so any server may look after any run of its machine, and a
restarted one goes on. Each step is safe to do twice.
"""

import shutil
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Q

from kefu.contracts.job import Job
from kefu.desk.accounts.actions import announce
from kefu.desk.modelhub import folders
from kefu.desk.modelhub.actions.named import with_paths
from kefu.desk.modelhub.actions.training import is_version
from kefu.desk.modelhub.gathering import gather
from kefu.desk.modelhub.models import Run, RunEvent
from kefu.desk.modelhub.queries.data import get_dataset_version
from kefu.desk.modelhub.queries.registry import get_version
from kefu.desk.modelhub.queries.training import OPEN
from kefu.desk.modelhub.work import forget_work, runner, work_folder
from kefu.desk.rows import now
from kefu.jobs.runner import JobEvent, Look
from kefu.kit.errors import KefuError
from kefu.kit.log import Log
from kefu.kit.settings import settings

LEASE = timedelta(minutes=2)  # a machine that has not looked after its runs for so long is gone
GATHERING = timedelta(minutes=10)  # a server that puts away for so long has died of it
GRACE = timedelta(seconds=60)  # time to save a checkpoint after being asked to stop
KEPT_FOR = timedelta(days=7)  # what a stopped run has reached, for whoever resumes it
_MOST_EVENTS = 2_000  # kept of a run; of its steps at most half as many, evenly
_LONGEST_FIELDS = 16_384  # characters of an event's fields
_ENDS = ("finished", "failed", "cancelled")

_log = Log(__name__)


def tend() -> bool:
    """Look after every run of this machine once; gives whether any is open."""
    _give_up_lost()
    for row in _mine():
        _tend(row)
    for row in _claimed():
        _start(row)
    return Run.objects.across_workspaces("runs share the machine").filter(state__in=OPEN).exists()


def finish(workspace_id: str, run_id: str, *, seconds: float = 3600.0) -> Run:
    """Look after all runs until one is over, waiting where there is nothing else to do; gives it."""
    deadline = now() + timedelta(seconds=seconds)
    while True:
        tend()
        row: Run = Run.objects.of(workspace_id).get(id=run_id)
        if row.state not in OPEN or now() > deadline:
            return row
        working = row if row.state == "running" else next(iter(_mine()), row)
        runner().wait(work_folder(working.id), 1.0)


def forget_old_work() -> None:
    """Delete what is kept of runs that are deleted, or ended long ago."""
    everything = work_folder("x").parent
    kept = Run.objects.across_workspaces("housekeeping of the installation").exclude(finished_at__lt=now() - KEPT_FOR)
    ids = set(kept.values_list("id", flat=True))
    for folder in everything.iterdir() if everything.is_dir() else ():
        if folder.name not in ids:
            forget_work(folder.name)


def _mine() -> list[Run]:
    found = Run.objects.across_workspaces("runs share the machine").filter(state="running", host=_host())
    return list(found.order_by("created_at", "id"))


def _claimed() -> list[Run]:
    """Runs that wait and for which there is room, now ours; workspaces with fewer at work come first."""
    everything = Run.objects.across_workspaces("runs share the machine").filter(state__in=OPEN)
    if not everything.filter(state="queued").exists():
        return []
    taken = []
    with transaction.atomic():
        rows = list(everything.select_for_update().order_by("created_at", "id"))
        working = Counter(row.workspace_id for row in rows if row.state == "running" and row.host == _host())
        waiting = [row for row in rows if row.state == "queued"]
        while waiting and working.total() < settings().runs_at_once:
            row = min(waiting, key=lambda each: (working[each.workspace_id], each.created_at, each.id))
            waiting.remove(row)
            working[row.workspace_id] += 1
            row.state, row.host, row.lease_until = "running", _host(), now() + LEASE
            row.started_at = row.started_at or now()
            row.attempts, row.position, row.gathering_at = row.attempts + 1, 0, None
            names = ["state", "host", "lease_until", "started_at", "attempts", "position", "gathering_at"]
            row.save(update_fields=names)
            announce(row.workspace_id, "modelhub.run_updated", row.id)
            taken.append(row)
    return taken


def _start(row: Run) -> None:
    try:
        job = _job(row)
        if row.attempts > 1:  # so that the last word of the attempt before is not taken for this one's
            _note(row, "It goes on." if row.kind in {"train", "tune"} else "It begins again.")
        runner().start(job, work_folder(row.id))
    except KefuError as error:
        _end(row, "failed", {"code": error.code, "sentence": error.sentence})
    except OSError as error:
        _end(row, "failed", {"code": "unavailable", "sentence": f"The run could not begin: {error.strerror}."})


def _job(row: Run) -> Job:
    """The job with its data and models as files of this machine."""
    work = work_folder(row.id)
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = {purpose: _input(row, purpose, work / "inputs") for purpose in row.inputs}
    out = made_in(row)
    goes_on = row.resume and row.kind in {"train", "tune"}  # the others keep no checkpoint
    if not goes_on:
        shutil.rmtree(out.parent, ignore_errors=True)
    options = _with_paths(row, files)
    if row.kind == "evaluate":
        options["record"] = True  # on the run's own copy of the model: its card is how we learn what was found
    return Job(
        kind=row.kind,  # type: ignore[arg-type]  # actions make no others
        out=str(out),
        recipe=row.recipe,
        data=files.get("train") or files.get("data") or files.get("test", ""),
        valid=files.get("valid", "") or (files.get("test", "") if row.kind == "check" else ""),
        model=files.get("model", ""),
        extend=files.get("extend", ""),
        resume=goes_on and out.is_dir(),
        options=options,
    )


def _with_paths(row: Run, files: Mapping[str, str]) -> dict[str, Any]:
    by_id = {str(given["id"]): files[purpose] for purpose, given in row.inputs.items()}
    options = with_paths(row.options, by_id)
    if isinstance(options.get("written"), dict):  # a tuning's, which hold for its trainings
        options["written"] = with_paths(options["written"], by_id)
    return options


def made_in(row: Run) -> Path:
    """Where a run puts what it makes. A model is named by its folder."""
    name = folders.slug(row.model.name) if row.model is not None else "out"
    return work_folder(row.id) / "made" / name


def _input(row: Run, purpose: str, folder: Path) -> str:
    given = row.inputs[purpose]
    if is_version(given):
        version = get_version(row.workspace_id, given["id"])
        return str(folders.copy(version.folder, version.files, folder / purpose / folders.slug(version.model.name)))
    data = get_dataset_version(row.workspace_id, given["id"])
    folder.mkdir(parents=True, exist_ok=True)
    # Named for whoever reads the report.
    path = folder / f"{folders.slug(data.dataset.name)}-v{data.number}-{purpose}.jsonl.gz"
    with default_storage.open(data.file) as stored:
        path.write_bytes(stored.read())
    return str(path)


def _tend(row: Run) -> None:
    work = work_folder(row.id)
    if row.cancel_at is not None:
        _stop(row, work)
    look = runner().look(work, row.position)
    while look.position != row.position:
        if not _stored(row, look):
            return  # another server looks after it
        look = runner().look(work, row.position)
    if not look.is_running:
        _gathered(row, look)
        return
    position = runner().trim(work, row.position)
    if position != row.position or row.lease_until is None or row.lease_until < now() + LEASE / 2:
        mine = Run.objects.of(row.workspace_id).filter(id=row.id, position=row.position)
        mine.update(lease_until=now() + LEASE, position=position)


def _stop(row: Run, work: Path) -> None:
    mine = Run.objects.of(row.workspace_id).filter(id=row.id)
    # Asked once: a second interruption would stop the saving that the first one began.
    if mine.filter(stopped_at__isnull=True).update(stopped_at=now()):
        runner().stop(work)
    elif row.stopped_at is not None and row.stopped_at < now() - GRACE:
        runner().stop(work, at_once=True)


def _stored(row: Run, look: Look) -> bool:
    """Keep what was told; False when another server has done so."""
    with transaction.atomic():
        fresh = Run.objects.of(row.workspace_id).select_for_update().filter(id=row.id, state="running").first()
        if fresh is None or fresh.position != row.position or fresh.attempts != row.attempts:
            return False
        RunEvent.objects.bulk_create(list(_rows(fresh, look.events)))
        if fresh.steps > _MOST_EVENTS // 2 * fresh.stride:
            while fresh.steps > _MOST_EVENTS // 2 * fresh.stride:
                fresh.stride *= 2
            kept = RunEvent.objects.of(row.workspace_id).filter(run_id=row.id, step__isnull=False)
            kept.annotate(place=F("step") % fresh.stride).exclude(place=0).delete()
        fresh.position = look.position
        fresh.save(update_fields=["position", "told", "steps", "stride", "progress"])
        if any(event.told != "progress" for event in look.events):
            announce(row.workspace_id, "modelhub.run_updated", row.id)
    row.position = look.position
    return True


def _rows(row: Run, events: tuple[JobEvent, ...]) -> Iterator[RunEvent]:
    """Rows of events, counted on the run; a bar's ticks are only its progress."""
    for event in events:
        if event.told == "progress":
            row.progress = {name: event.fields.get(name) for name in ("done", "total", "unit")}
            continue
        step = None
        if event.told == "step":
            row.steps += 1
            step = row.steps
            if step % row.stride:
                continue
        elif row.told >= 2 * _MOST_EVENTS and event.told not in _ENDS:
            continue
        row.told += 1
        yield RunEvent(
            workspace_id=row.workspace_id,
            run_id=row.id,
            number=row.told,
            told=str(event.told),
            at=event.at[:40],
            step=step,
            fields=_bounded(event),
        )


def _bounded(event: JobEvent) -> dict[str, object]:
    """An event's fields; of very long ones the plain values."""
    fields = dict(event.fields)
    if len(str(fields)) <= _LONGEST_FIELDS:
        return fields
    plain = {name: value for name, value in fields.items() if isinstance(value, str | int | float | bool | None)}
    return {name: value[:2000] if isinstance(value, str) else value for name, value in plain.items()}


def _note(row: Run, sentence: str) -> None:
    with transaction.atomic():
        fresh = Run.objects.of(row.workspace_id).select_for_update().get(id=row.id)
        fresh.told += 1
        RunEvent.objects.create(
            workspace_id=row.workspace_id,
            run_id=row.id,
            number=fresh.told,
            told="note",
            at=now().isoformat(timespec="milliseconds"),
            fields={"sentence": sentence},
        )
        fresh.save(update_fields=["told"])


def _gathered(row: Run, look: Look) -> None:
    """End a run whose process is gone: by its last words, or as interrupted when there were none."""
    last = RunEvent.objects.of(row.workspace_id).filter(run_id=row.id).order_by("-number").first()
    if last is not None and last.told == "finished":
        _put_away(row)
    elif last is not None and last.told == "failed":
        code, sentence = str(last.fields.get("code", "error")), str(last.fields.get("sentence", "It failed."))
        _end(row, "failed", {"code": code, "sentence": sentence[:2000]})
    elif (last is not None and last.told == "cancelled") or row.cancel_at is not None:
        _end(row, "cancelled", None)
    else:
        _log.warning("run_interrupted", run=row.id, last_words=look.last_words[-500:])
        sentence = "Its process ended without a word: it was killed, or the machine was restarted. It can be resumed."
        _end(row, "interrupted", {"code": "interrupted", "sentence": sentence})


def _put_away(row: Run) -> None:
    """Gather what a run has made, unless another server is about it."""
    free = Q(gathering_at__isnull=True) | Q(gathering_at__lt=now() - GATHERING)
    if not Run.objects.of(row.workspace_id).filter(free, id=row.id, state="running").update(gathering_at=now()):
        return
    try:
        metrics, version_id = gather(row, made_in(row))
    except KefuError as error:
        _end(row, "failed", {"code": error.code, "sentence": error.sentence})
        return
    _end(row, "finished", None, metrics=metrics, version_id=version_id)
    forget_work(row.id)


def _end(
    row: Run,
    state: str,
    problem: dict[str, str] | None,
    *,
    metrics: dict[str, float] | None = None,
    version_id: str | None = None,
) -> None:
    with transaction.atomic():
        mine = Run.objects.of(row.workspace_id).filter(id=row.id, state="running", attempts=row.attempts)
        changed: dict[str, Any] = {"state": state, "problem": problem, "finished_at": now(), "lease_until": None}
        if metrics is not None:
            changed["metrics"] = metrics
        if version_id is not None:
            changed["version_id"] = version_id
        if mine.update(**changed):
            announce(row.workspace_id, "modelhub.run_updated", row.id)
            _log.info("run_ended", run=row.id, kind=row.kind, state=state)


def _give_up_lost() -> None:
    """Runs of a machine that looks after them no more are interrupted."""
    lost = Run.objects.across_workspaces("a machine is gone").filter(state="running", lease_until__lt=now())
    for row in lost.exclude(host=_host()):
        sentence = "The machine that it ran on does not answer. It can be resumed, from the beginning."
        _end(row, "interrupted", {"code": "interrupted", "sentence": sentence})


def _host() -> str:
    return f"{socket.gethostname()}:{settings().folder}"[:200]
