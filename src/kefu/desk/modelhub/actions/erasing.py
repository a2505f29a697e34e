"""Everything of a workspace's models deleted: for whoever deletes the workspace."""

from django.core.files.storage import default_storage
from django.db import transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.actor import Actor, Role
from kefu.desk.modelhub import folders
from kefu.desk.modelhub.models import Dataset, DatasetVersion, Model, Promotion, Run, RunEvent, Version
from kefu.desk.modelhub.work import forget_work


def erase_everything(actor: Actor) -> int:
    """Delete all datasets, runs, models and versions with their files; gives how many files' places went.

    Turns go on without a model. Raises NotAllowed.
    """
    actor.require_role(Role.OWNER)
    with transaction.atomic():
        mine = actor.workspace_id
        files = list(DatasetVersion.objects.of(mine).values_list("file", flat=True))
        places = list(Version.objects.of(mine).values_list("folder", flat=True))
        runs = list(Run.objects.of(mine).values_list("id", flat=True))
        Model.objects.of(mine).update(test=None, champion=None, challenger=None)
        for kind in (Promotion, RunEvent, Version, Run, Model, DatasetVersion, Dataset):
            kind.objects.of(mine).delete()
        announce(mine, "modelhub.promoted", mine)
        audit(actor, "models.erased", mine, before={"datasets": len(files), "versions": len(places)})
        transaction.on_commit(lambda: _delete(files, places, runs))
    return len(files) + len(places)


def _delete(files: list[str], places: list[str], runs: list[str]) -> None:
    for file in files:
        default_storage.delete(file)
    for place in places:
        folders.drop(place)
    for run_id in runs:
        forget_work(run_id)
