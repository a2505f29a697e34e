"""What contacts taught is taken out of datasets once they no longer agree to that, or are deleted."""

import gzip

from django.core.files.storage import default_storage
from django.db import transaction

from kefu.desk.accounts.actions import announce
from kefu.desk.modelhub import folders, rows
from kefu.desk.modelhub.models import Dataset, DatasetVersion, Model
from kefu.kit.ids import new_id
from kefu.knowledge.labels import dataset_of

# The column of a gathered row that names whose words it holds, several with commas.
CONTACT = "contact"


def consent_taken_back(workspace_id: str, contact_id: str, kind: str) -> None:
    """Of `contacts.listeners`."""
    if kind == "training":
        forget_contact(workspace_id, contact_id)


def forget_contact(workspace_id: str, contact_id: str) -> None:
    """Take a contact's rows out of every version of every dataset; a version without any left goes itself.

    Models that were trained keep what they learnt. To be called in a transaction.
    """
    for version in DatasetVersion.objects.of(workspace_id).select_related("dataset").order_by("id"):
        with default_storage.open(version.file) as stored:
            names_them = contact_id.encode() in gzip.decompress(stored.read())
        if names_them:
            _without(version, contact_id)


def _without(version: DatasetVersion, contact_id: str) -> None:
    data, before = rows.read(version.file), version.file
    kept = [each for each in data.examples if contact_id not in each.extra.get(CONTACT, "").split(",")]
    if len(kept) == len(data.examples):
        return
    if kept:
        left = dataset_of(kept, mapping=version.mapping, format=version.format)
        name = f"{version.workspace_id}/datasets/{new_id('dver')}.jsonl.gz"
        version.file, version.sha256, version.rows = (
            folders.store_bytes(name, rows.packed(left)),
            left.sha256,
            len(kept),
        )
        version.report = version.checked_at = None  # it names rows by their numbers
        version.save(update_fields=["file", "sha256", "rows", "report", "checked_at"])
    else:
        _remove(version)
    announce(version.workspace_id, "modelhub.dataset_updated", version.dataset_id)
    transaction.on_commit(lambda: default_storage.delete(before))


def _remove(version: DatasetVersion) -> None:
    Model.objects.of(version.workspace_id).filter(test_id=version.id).update(test=None)
    dataset_id = version.dataset_id
    version.delete()
    if not DatasetVersion.objects.of(version.workspace_id).filter(dataset_id=dataset_id).exists():
        Dataset.objects.of(version.workspace_id).filter(id=dataset_id).delete()
