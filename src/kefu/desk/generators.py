"""The generators that workspaces choose: what they name, whether its files are sound, and where an engine finds it.

`version:ID` is a version that the workspace registered, `model:NAME` the champion of that model on the day it is
chosen. No other workspace's version is found.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kefu.contracts.engine import FoundGenerator
from kefu.desk.actor import Actor, Role
from kefu.desk.assistants.actions import merged_options, set_generator
from kefu.desk.modelhub import folders
from kefu.desk.modelhub.queries import VERSION, Served, generator_served, model_named
from kefu.kit import registry
from kefu.kit.errors import BadInput, BadInstallation, MissingExtra

_MODEL = "model:"
_ENGINE = "llamacpp"  # runs what is a file of this machine


def choose(actor: Actor, *, reference: str, options: Mapping[str, Any]) -> None:
    """Choose the generator, or with an empty reference none, once its files are found to be sound.

    Raises BadInput that names the field, NotFound for a version that the workspace does not have, NotAllowed.
    """
    merged = merged_options(actor, reference, dict(options))
    try:
        sound = checked(actor, reference.strip(), merged)
    except (BadInput, BadInstallation, MissingExtra) as error:
        raise BadInput(error.sentence, field="reference") from None
    set_generator(actor, reference=sound, options=dict(options))


def checked(actor: Actor, reference: str, options: Mapping[str, Any]) -> str:
    """The reference as it is kept, whose files are there and as their card says.

    A path is kept from the root on, wherever the server works; a model as the version that is its champion. What a
    server or a hub has is not asked. Raises BadInput for a model that generates nothing, MissingExtra, BadInstallation
    for a missing or altered file, NotFound, NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    scheme, _, name = reference.partition(":")
    if reference.startswith(_MODEL):
        reference = VERSION + _champion(actor, name.strip())
    if reference.startswith(VERSION):
        _folder(generator_served(actor.workspace_id, reference.removeprefix(VERSION)))
        return reference
    if scheme == "path":
        reference = f"path:{Path(name).expanduser().absolute()}"
    if scheme in {"path", "package"}:
        registry.load("engines", _ENGINE, FoundGenerator)(reference, options).find()
    return reference


def located(workspace_id: str, reference: str) -> str:
    """The reference for an engine: a version's becomes the path of its files, which are checked once more.

    Raises BadInstallation, BadInput, NotFound.
    """
    if not reference.startswith(VERSION):
        return reference
    return f"path:{_folder(generator_served(workspace_id, reference.removeprefix(VERSION)))}"


def _champion(actor: Actor, name: str) -> str:
    found = model_named(actor, name)
    if found.champion is None:
        raise BadInput(f"No version of {found.name} is live; promote one, or name it version:ID.", model=name)
    return found.champion.id


def _folder(served: Served) -> Path:
    folder = folders.local(served.place, served.files)
    folders.verified(folder, served.sha256)
    return folder
