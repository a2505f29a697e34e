"""Reads of datasets, their versions and rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kefu.desk.actor import Actor, Role
from kefu.desk.modelhub import folders, rows
from kefu.desk.modelhub.models import Dataset, DatasetVersion
from kefu.desk.modelhub.rows import RowProblem
from kefu.kit.errors import NotFound


@dataclass(frozen=True)
class DatasetVersionInfo:
    id: str
    dataset_id: str
    dataset: str
    number: int
    sha256: str
    rows: int
    labels: dict[str, int]
    format: str
    mapping: dict[str, str]
    bad: list[dict[str, Any]]
    bad_rows: int
    left_out: dict[str, int]
    note: str
    has_report: bool
    made_by: str
    created_at: datetime


@dataclass(frozen=True)
class DatasetInfo:
    """`latest` is the newest of `versions` versions."""

    id: str
    name: str
    versions: int
    latest: DatasetVersionInfo
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class RowInfo:
    number: int
    text: str
    label: str | None
    language: str | None
    group: str | None
    score: float | None
    problems: tuple[RowProblem, ...]


@dataclass(frozen=True)
class RowsFound:
    """A page of rows; `found` counts all that were asked for, `next` is where the following page begins."""

    version: DatasetVersionInfo
    rows: list[RowInfo]
    found: int
    next: int | None


def datasets(actor: Actor) -> list[DatasetInfo]:
    """All datasets by name."""
    _may_read(actor)
    versions = _dataset_versions(actor.workspace_id)
    found = Dataset.objects.of(actor.workspace_id).order_by("name")
    return [_dataset(row, versions[row.id]) for row in found if row.id in versions]


def dataset(actor: Actor, dataset_id: str) -> tuple[DatasetInfo, list[DatasetVersionInfo]]:
    """A dataset and its versions, newest first. Raises NotFound, NotAllowed."""
    _may_read(actor)
    row = get_dataset(actor.workspace_id, dataset_id)
    versions = _dataset_versions(actor.workspace_id, dataset_id)[row.id]
    return _dataset(row, versions), [dataset_version_info(each) for each in versions]


def dataset_version(actor: Actor, dataset_version_id: str) -> DatasetVersionInfo:
    """Raises NotFound, NotAllowed."""
    _may_read(actor)
    return dataset_version_info(get_dataset_version(actor.workspace_id, dataset_version_id))


def dataset_rows(
    actor: Actor,
    dataset_id: str,
    *,
    number: int | None = None,
    label: str | None = None,
    search: str = "",
    problems: bool = False,
    after: int = 0,
    limit: int = 50,
) -> RowsFound:
    """Rows of a version, the newest if no number is given, with what the last check found; for who answers customers.

    `after` rows of those asked for are skipped. Raises NotFound, NotAllowed.
    """
    actor.require_role(Role.AGENT)
    row = numbered(actor.workspace_id, dataset_id, number)
    known = rows.problems(row.report)
    only = frozenset(known) if problems else None
    found = rows.chosen(rows.read(row.file), label=label, search=search, only=only)
    page = [
        RowInfo(at, each.text, each.label, each.language, each.group, each.score, tuple(known.get(at, ())))
        for at, each in found[after : after + limit]
    ]
    end = after + len(page)
    return RowsFound(dataset_version_info(row), page, len(found), end if end < len(found) else None)


def dataset_file(actor: Actor, dataset_id: str, *, number: int | None = None, kind: str = "csv") -> tuple[str, bytes]:
    """A name and the bytes of a version as csv or jsonl; for who answers customers. Raises NotFound, NotAllowed."""
    actor.require_role(Role.AGENT)
    row = numbered(actor.workspace_id, dataset_id, number)
    return f"{folders.slug(row.dataset.name)}-v{row.number}.{kind}", rows.as_file(rows.read(row.file), kind)


def report(actor: Actor, dataset_id: str, *, number: int | None = None) -> dict[str, Any] | None:
    """What the last check of a version found. Raises NotFound, NotAllowed."""
    _may_read(actor)
    found: dict[str, Any] | None = numbered(actor.workspace_id, dataset_id, number).report
    return found


def get_dataset(workspace_id: str, dataset_id: str, *, lock: bool = False) -> Dataset:
    found = Dataset.objects.of(workspace_id)
    row = (found.select_for_update() if lock else found).filter(id=dataset_id).first()
    if row is None:
        raise NotFound("There is no such dataset.", dataset=dataset_id)
    return row


def get_dataset_version(workspace_id: str, dataset_version_id: str) -> DatasetVersion:
    found = DatasetVersion.objects.of(workspace_id).select_related("dataset")
    row = found.filter(id=dataset_version_id).first()
    if row is None:
        raise NotFound("There is no such dataset version.", dataset_version=dataset_version_id)
    return row


def numbered(workspace_id: str, dataset_id: str, number: int | None) -> DatasetVersion:
    """A dataset's version by its number, or its newest. Raises NotFound."""
    get_dataset(workspace_id, dataset_id)
    found = DatasetVersion.objects.of(workspace_id).filter(dataset_id=dataset_id).select_related("dataset")
    row = (found.filter(number=number) if number is not None else found).order_by("-number").first()
    if row is None:
        raise NotFound(f"The dataset has no version {number}.", version=number)
    return row


def dataset_version_info(row: DatasetVersion) -> DatasetVersionInfo:
    return DatasetVersionInfo(
        id=row.id,
        dataset_id=row.dataset_id,
        dataset=row.dataset.name,
        number=row.number,
        sha256=row.sha256,
        rows=row.rows,
        labels=row.labels,
        format=row.format,
        mapping=row.mapping,
        bad=row.bad,
        bad_rows=row.bad_rows,
        left_out=row.left_out,
        note=row.note,
        has_report=row.checked_at is not None,
        made_by=row.made_by,
        created_at=row.created_at,
    )


def named_input(row: DatasetVersion) -> dict[str, Any]:
    """A dataset version as a run and a model name it."""
    return {"id": row.id, "name": row.dataset.name, "number": row.number, "sha256": row.sha256}


def _dataset_versions(workspace_id: str, dataset_id: str | None = None) -> dict[str, list[DatasetVersion]]:
    """Versions by dataset, newest first."""
    found = DatasetVersion.objects.of(workspace_id).select_related("dataset").defer("report").order_by("-number")
    if dataset_id is not None:
        found = found.filter(dataset_id=dataset_id)
    by_dataset: dict[str, list[DatasetVersion]] = {}
    for row in found:
        by_dataset.setdefault(row.dataset_id, []).append(row)
    return by_dataset


def _dataset(row: Dataset, versions: list[DatasetVersion]) -> DatasetInfo:
    latest = dataset_version_info(versions[0])
    return DatasetInfo(row.id, row.name, len(versions), latest, row.created_at, row.updated_at)


def _may_read(actor: Actor) -> None:
    actor.require_role(Role.VIEWER)
