"""Writes of datasets: uploading, mending rows, removing. Each state is a version; versions never change."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from kefu.contracts.dataset import Dataset as Rows
from kefu.desk.accounts.actions import announce, audit
from kefu.desk.actor import Actor, Role
from kefu.desk.modelhub import folders, rows
from kefu.desk.modelhub.models import Dataset, DatasetVersion, Model, Run
from kefu.desk.modelhub.queries import DatasetInfo, dataset
from kefu.desk.modelhub.queries.data import get_dataset, numbered
from kefu.desk.modelhub.queries.training import OPEN
from kefu.desk.modelhub.rows import RowChange
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, Conflict, TooLarge
from kefu.kit.ids import new_id
from kefu.kit.settings import settings
from kefu.knowledge.labels import dataset_of, read_bytes
from kefu.knowledge.labels.columns import Choice

# Pages of rows are cut from a dataset in memory: beyond it a page takes longer than a second.
MOST_ROWS = 100_000
_MOST_BAD = 500  # bad rows that are listed; nobody mends more by hand
_MOST_DATASETS = 1_000
_NAME_LIMIT = 100


def add_dataset(actor: Actor, *, name: str, file_name: str, data: bytes, choice: Choice | None = None) -> DatasetInfo:
    """Keep an uploaded file's rows as a new dataset; rows that cannot be used are left out and named.

    Raises BadRows when none can be used, BadInput, TooLarge, Conflict for a name that is taken, NotAllowed.
    """
    _may_write(actor)
    name = checked_name(name or file_name)
    found = _read(file_name, data, choice)
    if Dataset.objects.of(actor.workspace_id).count() >= _MOST_DATASETS:
        raise Conflict(f"A workspace has at most {_MOST_DATASETS} datasets; remove one.")
    row = new_dataset(actor, name, found, note=f"Uploaded {file_name[:200]}")
    return dataset(actor, row.id)[0]


def add_version(
    actor: Actor, *, dataset_id: str, file_name: str, data: bytes, choice: Choice | None = None
) -> DatasetInfo:
    """Keep an uploaded file's rows as a dataset's new version; rows that it has already make none.

    Raises like `add_dataset`, and NotFound.
    """
    _may_write(actor)
    get_dataset(actor.workspace_id, dataset_id)
    found = _read(file_name, data, choice)
    _next(actor, dataset_id, found, note=f"Uploaded {file_name[:200]}")
    return dataset(actor, dataset_id)[0]


def change_rows(
    actor: Actor,
    *,
    dataset_id: str,
    base: int,
    changes: Sequence[RowChange],
    added: Sequence[tuple[str, str | None]] = (),
) -> DatasetInfo:
    """Change, delete and add rows: a new version of what the version `base` is.

    Raises Conflict when `base` is not the newest, BadInput for a row that is not there, NotFound, NotAllowed.
    """
    _may_write(actor)
    latest = numbered(actor.workspace_id, dataset_id, None)
    if latest.number != base:
        raise Conflict(f"Somebody has made version {latest.number} meanwhile; look at it first.", latest=latest.number)
    found = rows.masked(rows.changed(rows.read(latest.file), changes, added))
    _check_size(found)
    counted = f"{len(changes)} changed" + (f", {len(added)} added" if added else "")
    _next(actor, dataset_id, found, note=f"Rows: {counted}", base=base)
    return dataset(actor, dataset_id)[0]


def remove_dataset(actor: Actor, *, dataset_id: str) -> None:
    """Delete a dataset with its versions. Models that learnt from it keep their own copies.

    Raises Conflict while a version is a model's frozen test or an open run works with it, NotFound, NotAllowed.
    """
    _may_write(actor)
    with transaction.atomic():
        row = get_dataset(actor.workspace_id, dataset_id, lock=True)
        mine = DatasetVersion.objects.of(actor.workspace_id).filter(dataset_id=row.id)
        ids = set(mine.values_list("id", flat=True))
        tested = Model.objects.of(actor.workspace_id).filter(test_id__in=ids).first()
        if tested is not None:
            raise Conflict(f"The model {tested.name} is tested on this dataset; choose another test first.")
        open_runs = Run.objects.of(actor.workspace_id).filter(state__in=OPEN).values_list("inputs", flat=True)
        if ids & {str(each["id"]) for inputs in open_runs for each in inputs.values()}:
            raise Conflict("A run works with this dataset; wait for it or cancel it.")
        files = list(mine.values_list("file", flat=True))
        name, row_id = row.name, row.id
        row.delete()
        announce(actor.workspace_id, "modelhub.dataset_removed", row_id)
        audit(actor, "dataset.removed", row_id, before={"name": name})
        transaction.on_commit(lambda: _delete(files))


def new_dataset(
    actor: Actor, name: str, found: Rows, *, note: str, left_out: Mapping[str, int] | None = None
) -> Dataset:
    """A dataset of these rows. Raises Conflict for a name that is taken."""
    row = Dataset(workspace_id=actor.workspace_id, name=name)

    def store(version: DatasetVersion) -> None:
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            raise Conflict(f"There is a dataset {name!r} already.", name=name) from None
        version.save(force_insert=True)
        announce(actor.workspace_id, "modelhub.dataset_updated", row.id)
        audit(actor, "dataset.added", row.id, after={"name": name, "rows": version.rows})

    _kept(actor, row, found, store, note=note, left_out=left_out)
    return row


def keep_rows(actor: Actor, name: str, found: Rows, *, note: str) -> None:
    """Keep rows as the dataset of that name: a new one, or a new version of the one that there is."""
    known = Dataset.objects.of(actor.workspace_id).filter(name=name).first()
    if known is None:
        new_dataset(actor, name, found, note=note)
    else:
        _next(actor, known.id, found, note=note)


def keep_gathered(actor: Actor, *, name: str, kind: str, found: Rows, left_out: Mapping[str, int]) -> str:
    """Keep what was gathered from the workspace itself, and how much was left out; gives the dataset's id.

    Rows that the dataset of that name has already make no version. Raises Conflict for a name of data that were not
    gathered so, BadInput, NotAllowed.
    """
    _may_write(actor)
    name, form = checked_name(name), f"gathered {kind}"
    found = dataset_of(found.examples, mapping=found.mapping, format=form, bad=found.bad)
    known = Dataset.objects.of(actor.workspace_id).filter(name=name).first()
    note = f"Gathered {kind} of the workspace"
    if known is None:
        return new_dataset(actor, name, found, note=note, left_out=left_out).id
    if not DatasetVersion.objects.of(actor.workspace_id).filter(dataset_id=known.id, format=form).exists():
        raise Conflict(f"The dataset {name!r} holds other data; choose another name.", name=name)
    _next(actor, known.id, found, note=note, left_out=left_out)
    return str(known.id)


def checked_name(name: str) -> str:
    """A name as it is kept. Raises BadInput."""
    name = " ".join(name.split())
    if not name or len(name) > _NAME_LIMIT or not name.isprintable():
        raise BadInput(f"A name has 1 to {_NAME_LIMIT} characters.", field="name")
    return name


def _next(
    actor: Actor,
    dataset_id: str,
    found: Rows,
    *,
    note: str,
    base: int | None = None,
    left_out: Mapping[str, int] | None = None,
) -> None:
    latest = numbered(actor.workspace_id, dataset_id, None)
    if latest.sha256 == found.sha256:
        return

    def store(version: DatasetVersion) -> None:
        row = get_dataset(actor.workspace_id, dataset_id, lock=True)
        newest = numbered(actor.workspace_id, dataset_id, None)
        if base is not None and newest.number != base:
            raise Conflict(f"Somebody has made version {newest.number} meanwhile; look at it first.")
        version.number = newest.number + 1
        version.save(force_insert=True)
        row.updated_at = now()
        row.save(update_fields=["updated_at"])
        announce(actor.workspace_id, "modelhub.dataset_updated", row.id)
        after = {"version": version.number, "rows": version.rows, "note": note}
        audit(actor, "dataset.changed", row.id, before={"version": newest.number}, after=after)

    _kept(actor, latest.dataset, found, store, note=note, left_out=left_out)


def _kept(
    actor: Actor,
    row: Dataset,
    found: Rows,
    store: Callable[[DatasetVersion], None],
    *,
    note: str,
    left_out: Mapping[str, int] | None = None,
) -> None:
    """Store rows in a file and then, in a transaction, what `store` does with their version."""
    version_id = new_id("dver")
    # The storage comes before the rows, and outside of a transaction: it may be far away.
    file = folders.store_bytes(f"{actor.workspace_id}/datasets/{version_id}.jsonl.gz", rows.packed(found))
    counts: dict[str, int] = {}
    for example in found.examples:
        if example.label is not None:
            counts[example.label] = counts.get(example.label, 0) + 1
    version = DatasetVersion(
        id=version_id,
        workspace_id=actor.workspace_id,
        dataset=row,
        number=1,
        sha256=found.sha256,
        rows=len(found.examples),
        labels=dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))),
        format=found.format,
        mapping=dict(found.mapping),
        bad=[asdict(each) for each in found.bad[:_MOST_BAD]],
        bad_rows=len(found.bad),
        left_out=dict(left_out or {}),
        file=file,
        note=note,
        made_by=actor.id,
    )
    try:
        with transaction.atomic():
            store(version)
    except Exception:
        default_storage.delete(file)
        raise


def _read(file_name: str, data: bytes, choice: Choice | None) -> Rows:
    limit = settings().upload_megabytes * 2**20
    if len(data) > limit:
        raise TooLarge(f"{file_name} has more than {limit:,} bytes; split it.", name=file_name)
    found = read_bytes(data, name=file_name, skip_bad=True, choice=choice or Choice())
    _check_size(found)
    return rows.masked(found)


def _check_size(found: Rows) -> None:
    if len(found.examples) > MOST_ROWS:
        raise TooLarge(
            f"{len(found.examples):,} rows are more than the {MOST_ROWS:,} that are kept here; "
            "train on larger data with: kefu train"
        )


def _delete(files: list[str]) -> None:
    for file in files:
        default_storage.delete(file)


def _may_write(actor: Actor) -> None:
    actor.require_role(Role.SUPERVISOR)
