"""Routes of datasets, runs, models and versions."""

import time
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse
from ninja import File, Form, Query, Router, Status
from ninja.files import UploadedFile

from kefu.desk import going_live, own_data
from kefu.desk.actor import Actor
from kefu.desk.http.entry import member
from kefu.desk.modelhub import actions, queries, schemas, shapes
from kefu.desk.modelhub.rows import RowChange
from kefu.desk.modelhub.trying import guesses
from kefu.kit.settings import settings
from kefu.knowledge.labels.columns import Choice

router = Router(auth=member, tags=["Models"])

# A report is our own page, made of customers' words: it may show itself, and do nothing else.
_PAGE_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}


# datasets


@router.get("/datasets", response=schemas.Datasets)
def datasets(request: HttpRequest) -> dict[str, Any]:
    """All datasets, each with its newest version."""
    return {"datasets": queries.datasets(_actor(request))}


@router.post("/datasets", response={201: schemas.Dataset})
def add_dataset(request: HttpRequest, file: File[UploadedFile], named: Form[schemas.Upload]) -> Status[Any]:
    """Upload labelled texts: CSV, TSV, JSON lines, JSON and others. Rows that cannot be used are left out and named."""
    made = actions.add_dataset(
        _actor(request), name=named.name, file_name=_name(file), data=_read(file), choice=_choice(named)
    )
    return Status(201, made)


@router.post("/datasets/gather", response={201: schemas.DatasetWithVersions})
def gather(request: HttpRequest, body: schemas.Gather) -> Status[Any]:
    """Gather what the workspace knows and what was said in it, masked; for admins. What is left out is counted."""
    found, versions = own_data.gather_dataset(_actor(request), **body.dict())
    return Status(201, {**vars(found), "all_versions": versions})


@router.get("/datasets/{dataset_id}", response=schemas.DatasetWithVersions)
def dataset(request: HttpRequest, dataset_id: str) -> dict[str, Any]:
    """A dataset with all its versions, newest first."""
    return _dataset(_actor(request), dataset_id)


@router.delete("/datasets/{dataset_id}", response={204: None})
def remove_dataset(request: HttpRequest, dataset_id: str) -> Status[Any]:
    """Delete a dataset that no model is tested on."""
    actions.remove_dataset(_actor(request), dataset_id=dataset_id)
    return Status(204, None)


@router.post("/datasets/{dataset_id}/versions", response={201: schemas.DatasetWithVersions})
def add_version(
    request: HttpRequest, dataset_id: str, file: File[UploadedFile], named: Form[schemas.Columns]
) -> Status[Any]:
    """Upload a new state of a dataset; the same rows once more make no new version."""
    actor = _actor(request)
    actions.add_version(actor, dataset_id=dataset_id, file_name=_name(file), data=_read(file), choice=_choice(named))
    return Status(201, _dataset(actor, dataset_id))


@router.get("/datasets/{dataset_id}/rows", response=schemas.Rows)
def rows(request: HttpRequest, dataset_id: str, chosen: Query[schemas.RowChoice]) -> Any:
    """Rows of a version with what the last check found about each; for those who may answer customers."""
    return queries.dataset_rows(
        _actor(request),
        dataset_id,
        number=chosen.version,
        label=chosen.label,
        search=chosen.search.strip(),
        problems=chosen.problems,
        after=chosen.after,
        limit=chosen.limit,
    )


@router.patch("/datasets/{dataset_id}/rows", response={201: schemas.DatasetWithVersions})
def change_rows(request: HttpRequest, dataset_id: str, body: schemas.RowChanges) -> Status[Any]:
    """Mend rows: a new version."""
    actor = _actor(request)
    changes = [
        RowChange(
            each.number, each.text, relabel="label" in each.model_fields_set, label=each.label, delete=each.delete
        )
        for each in body.changes
    ]
    added = [(each.text, each.label) for each in body.added]
    actions.change_rows(actor, dataset_id=dataset_id, base=body.base, changes=changes, added=added)
    return Status(201, _dataset(actor, dataset_id))


@router.get("/datasets/{dataset_id}/file", response={200: bytes})
def dataset_file(request: HttpRequest, dataset_id: str, chosen: Query[schemas.FileChoice]) -> HttpResponse:
    """The rows of a version as a file; for those who may answer customers."""
    name, data = queries.dataset_file(_actor(request), dataset_id, number=chosen.version, kind=chosen.format)
    kind = "text/csv; charset=utf-8" if chosen.format == "csv" else "application/jsonl; charset=utf-8"
    return HttpResponse(data, content_type=kind, headers=_attachment(name))


@router.post("/datasets/{dataset_id}/check", response={202: schemas.Run})
def check(request: HttpRequest, dataset_id: str, body: schemas.CheckRequest) -> Status[Any]:
    """Look for what would mislead a model; the report is there when the run is finished."""
    made = actions.check(
        _actor(request),
        dataset_id=dataset_id,
        number=body.version,
        against=body.against,
        label_errors=body.label_errors,
    )
    return Status(202, made)


@router.get("/datasets/{dataset_id}/report", response=schemas.Report)
def report(request: HttpRequest, dataset_id: str, chosen: Query[schemas.VersionChoice]) -> dict[str, Any]:
    """What the last check of a version found; null before the first."""
    return {"report": queries.report(_actor(request), dataset_id, number=chosen.version)}


@router.post("/datasets/{dataset_id}/clean", response={202: schemas.Run})
def clean(request: HttpRequest, dataset_id: str, body: schemas.CleanRequest) -> Status[Any]:
    """Make a version without stray blanks, duplicates and personal data; it is there when the run is finished."""
    made = actions.clean(
        _actor(request), dataset_id=dataset_id, tidy=body.tidy, duplicates=body.duplicates, mask=body.mask
    )
    return Status(202, made)


@router.post("/datasets/{dataset_id}/split", response={202: schemas.Run})
def split(request: HttpRequest, dataset_id: str, body: schemas.SplitRequest) -> Status[Any]:
    """Keep a share apart as a test: datasets "NAME (train)" and "NAME (test)" are there when the run is finished."""
    return Status(202, actions.split(_actor(request), dataset_id=dataset_id, share=body.share, seed=body.seed))


@router.post("/datasets/{dataset_id}/select", response={202: schemas.Run})
def select(request: HttpRequest, dataset_id: str, body: schemas.NewSelection) -> Status[Any]:
    """Choose the texts that are worth labelling first: a dataset of them is there when the run is finished."""
    return Status(202, actions.select(_actor(request), dataset_id=dataset_id, **body.dict()))


# runs


@router.get("/recipes", response=schemas.Recipes)
def recipes(request: HttpRequest) -> dict[str, Any]:
    """How a model can be trained."""
    return {"recipes": shapes.recipes(queries.recipes(_actor(request)))}


@router.get("/runs", response=schemas.Runs)
def runs(request: HttpRequest, chosen: Query[schemas.RunChoice]) -> dict[str, Any]:
    """Runs, newest first."""
    found = queries.runs(
        _actor(request),
        model=chosen.model,
        dataset=chosen.dataset,
        open_only=chosen.open,
        after=chosen.after,
        limit=chosen.limit,
    )
    return {"runs": found, "next": found[-1].id if len(found) == chosen.limit else None}


@router.post("/runs", response={202: schemas.Run})
def train(request: HttpRequest, body: schemas.NewRun) -> Status[Any]:
    """Train a version of a model."""
    return Status(202, actions.train(_actor(request), **body.dict()))


@router.post("/runs/tune", response={202: schemas.Run})
def tune(request: HttpRequest, body: schemas.NewTuning) -> Status[Any]:
    """Look for the options that do best, and train a version of a model with them."""
    return Status(202, actions.tune(_actor(request), **body.dict()))


@router.get("/runs/{run_id}", response=schemas.Run)
def run(request: HttpRequest, run_id: str) -> Any:
    """A run with its state and progress."""
    return queries.run(_actor(request), run_id)


@router.get("/runs/{run_id}/events", response=schemas.RunEvents)
def run_events(request: HttpRequest, run_id: str, chosen: Query[schemas.EventChoice]) -> dict[str, Any]:
    """What a run has told since the event `after`; asked again and again, a live curve."""
    actor = _actor(request)
    before = queries.run(actor, run_id)  # read first: its last event is among those read after it
    found = queries.run_events(actor, run_id, after=chosen.after, limit=chosen.limit)
    is_over = before.finished_at is not None and len(found) < chosen.limit
    return {
        "run": before,
        "events": found,
        "next": found[-1].number if found else chosen.after,
        "is_over": is_over,
    }


@router.post("/runs/{run_id}/cancel", response=schemas.Run)
def cancel(request: HttpRequest, run_id: str) -> Any:
    """Ask a run to stop; what it has reached is kept."""
    return actions.cancel(_actor(request), run_id=run_id)


@router.post("/runs/{run_id}/resume", response={202: schemas.Run})
def resume(request: HttpRequest, run_id: str) -> Status[Any]:
    """Let a run that stopped go on from its last checkpoint."""
    return Status(202, actions.resume(_actor(request), run_id=run_id))


@router.delete("/runs/{run_id}", response={204: None})
def remove_run(request: HttpRequest, run_id: str) -> Status[Any]:
    """Delete a run that is over; the version that it made stays."""
    actions.remove_run(_actor(request), run_id=run_id)
    return Status(204, None)


# models


@router.get("/models", response=schemas.Models)
def models(request: HttpRequest) -> dict[str, Any]:
    """All models with their aliases."""
    actor = _actor(request)
    return {"models": [shapes.model(actor, each) for each in queries.models(actor)]}


@router.post("/models", response={201: schemas.Model})
def make_model(request: HttpRequest, body: schemas.NewModel) -> Status[Any]:
    """Make a model that has no version yet."""
    actor = _actor(request)
    return Status(201, shapes.model(actor, actions.make_model(actor, name=body.name, role=body.role)))


@router.get("/models/{model_id}", response=schemas.ModelWithVersions)
def model(request: HttpRequest, model_id: str) -> dict[str, Any]:
    """A model with all its versions, newest first."""
    actor = _actor(request)
    found = shapes.model(actor, queries.model(actor, model_id))
    return {**found, "all_versions": [shapes.version(each) for each in queries.versions(actor, model_id)]}


@router.patch("/models/{model_id}", response=schemas.Model)
def change_model(request: HttpRequest, model_id: str, body: schemas.ModelChange) -> dict[str, Any]:
    """Change what is named: the name, what it is used for, its frozen test, the gate's limits."""
    actor = _actor(request)
    return shapes.model(actor, actions.change_model(actor, model_id=model_id, changes=body.dict(exclude_unset=True)))


@router.delete("/models/{model_id}", response={204: None})
def remove_model(request: HttpRequest, model_id: str) -> Status[Any]:
    """Delete a model that is used for nothing, with its versions and runs."""
    actions.remove_model(_actor(request), model_id=model_id)
    return Status(204, None)


@router.get("/models/{model_id}/compare", response=schemas.Comparison)
def compare(request: HttpRequest, model_id: str, chosen: Query[schemas.CompareChoice]) -> dict[str, Any]:
    """A version beside the champion, or beside another, and what the gate says of it."""
    found = queries.compare(_actor(request), model_id, candidate=chosen.candidate, champion=chosen.champion)
    return shapes.comparison(found)


@router.post("/models/{model_id}/promote", response=schemas.Model)
def promote(request: HttpRequest, model_id: str, body: schemas.Promote) -> dict[str, Any]:
    """Make a version champion, if the gate and the workspace's tests let it, or challenger.

    It answers from the next turn on.
    """
    actor = _actor(request)
    done = going_live.promote(
        actor,
        model_id=model_id,
        version_id=body.version,
        alias=body.alias,
        override=body.override,
        reason=body.reason,
    )
    return shapes.model(actor, done)


@router.post("/models/{model_id}/rollback", response=schemas.Model)
def roll_back(request: HttpRequest, model_id: str, body: schemas.RollBack) -> dict[str, Any]:
    """Make the version champion that was it before, if the workspace's tests let it."""
    actor = _actor(request)
    done = going_live.roll_back(actor, model_id=model_id, override=body.override, reason=body.reason)
    return shapes.model(actor, done)


@router.get("/models/{model_id}/promotions", response=schemas.Promotions)
def promotions(request: HttpRequest, model_id: str) -> dict[str, Any]:
    """How the aliases were set, by whom and why, newest first."""
    return {"promotions": queries.promotions(_actor(request), model_id)}


# versions


@router.get("/versions/{version_id}", response=schemas.VersionWithCard)
def version(request: HttpRequest, version_id: str) -> dict[str, Any]:
    """A version with its whole card and its files."""
    return shapes.version_with_card(queries.version(_actor(request), version_id))


@router.delete("/versions/{version_id}", response={204: None})
def remove_version(request: HttpRequest, version_id: str) -> Status[Any]:
    """Delete a version that nothing uses."""
    actions.remove_version(_actor(request), version_id=version_id)
    return Status(204, None)


@router.get("/versions/{version_id}/report", response=dict[str, Any])
def version_report(request: HttpRequest, version_id: str) -> dict[str, Any]:
    """The report of a version's examination on its validation data."""
    return queries.version_report(_actor(request), version_id)


@router.get("/versions/{version_id}/report.html", response={200: str})
def version_page(request: HttpRequest, version_id: str) -> HttpResponse:
    """The report as a page."""
    return HttpResponse(queries.version_page(_actor(request), version_id), headers=_PAGE_HEADERS)


@router.get("/versions/{version_id}/download", response={200: bytes})
def download(request: HttpRequest, version_id: str) -> FileResponse:
    """A version as a zip; with what it was trained on, so for supervisors."""
    name, file = queries.packed_version(_actor(request), version_id)
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")


@router.post("/versions/{version_id}/judge", response={202: schemas.Run})
def judge(request: HttpRequest, version_id: str) -> Status[Any]:
    """Examine a version on its model's frozen test."""
    return Status(202, actions.judge(_actor(request), version_id=version_id))


@router.post("/versions/{version_id}/try", response=schemas.Guesses)
def try_version(request: HttpRequest, version_id: str, body: schemas.TriedTexts) -> dict[str, Any]:
    """What a version makes of some texts; nothing of them is kept."""
    begun = time.perf_counter()
    found = guesses(_actor(request), version_id=version_id, texts=body.texts)
    return {"guesses": found, "milliseconds": round((time.perf_counter() - begun) * 1000, 1)}


@router.post("/versions/{version_id}/compress", response={202: schemas.Run})
def compress(request: HttpRequest, version_id: str, body: schemas.Compress) -> Status[Any]:
    """Make a smaller and faster version of a version."""
    return Status(202, actions.compress(_actor(request), version_id=version_id, options=body.options))


@router.post("/versions/{version_id}/explain", response={202: schemas.Run})
def explain(request: HttpRequest, version_id: str, body: schemas.NewExplanation) -> Status[Any]:
    """Find the words that tell a version its labels, and measure whether they are those that told."""
    return Status(202, actions.explain(_actor(request), version_id=version_id, **body.dict()))


@router.post("/versions/{version_id}/trial", response={202: schemas.Run})
def trial(request: HttpRequest, version_id: str, body: schemas.NewTrial) -> Status[Any]:
    """Find out whether pre-training has helped: a recipe on the encoder as it was and as it is, seed by seed."""
    return Status(202, actions.trial(_actor(request), version_id=version_id, **body.dict()))


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined, no-any-return]


def _dataset(actor: Actor, dataset_id: str) -> dict[str, Any]:
    found, versions = queries.dataset(actor, dataset_id)
    return {**vars(found), "all_versions": versions}


def _name(file: UploadedFile) -> str:
    return str(file.name or "file")[:200]


def _read(file: UploadedFile) -> bytes:
    """One byte more than is taken, so that the action can tell."""
    return bytes(file.read(settings().upload_megabytes * 2**20 + 1))


def _choice(named: schemas.Columns) -> Choice:
    return Choice(named.text_column or None, named.label_column or None, named.score_column or None)


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
