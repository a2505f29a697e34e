"""Models' folders in the storage: put in, taken out for whoever runs or examines them, checked, packed."""

import contextlib
import hashlib
import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

from kefu.contracts.model_card import CARD_FILE, ModelCard, read_card
from kefu.kit.errors import BadInput, BadInstallation, NotFound, TooLarge
from kefu.kit.settings import settings

REPORT, PAGE = "report.json", "report.html"
# Of no part in what the model answers, so the card does not pin them.
_BESIDE = ("README.md", REPORT, PAGE)
MOST_BYTES = 4 * 2**30  # a network for text classification is below 1 GB with its weights for training on
_MOST_FILES = 200
_NAME = re.compile(r"[A-Za-z0-9._ -]{1,120}")
_CHUNK = 2**20


def slug(name: str) -> str:
    """A name as a folder's: letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()[:60] or "model"


def sha256_of(path: Path) -> str:
    """The file's SHA-256, read anew each time: a file may be changed and keep its size and time."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInstallation(f"{path.name} of the model cannot be read: {error.strerror}.") from None


def verified(folder: Path, sha256: str = "") -> ModelCard:
    """The card of the model in a folder, whose files are all what it says they are; `sha256` is the card's own.

    Raises BadInstallation for what is missing or was altered.
    """
    if sha256 and sha256_of(folder / CARD_FILE) != sha256:
        raise BadInstallation(f"{CARD_FILE} of the model was altered; register the model again.", file=CARD_FILE)
    card = read_card(folder)
    if card.serve not in {file.path for file in card.files}:
        raise BadInstallation(f"The card of {card.name} pins no {card.serve or 'file that serves'}.", model=card.name)
    for file in card.files:
        if sha256_of(_inside(folder, file.path)) != file.sha256:
            raise BadInstallation(
                f"{file.path} of the model {card.name} was altered: its SHA-256 is not the one on its card.",
                file=file.path,
            )
    return card


def keep(folder: Path, place: str) -> list[dict[str, Any]]:
    """Store a verified model's files below `place`; gives them with hash and size, `card.json` among them.

    Raises BadInput for files that are not plain ones inside the folder, TooLarge.
    """
    drop(place)
    card = read_card(folder)
    names = [CARD_FILE, *(file.path for file in card.files), *(name for name in _BESIDE if (folder / name).is_file())]
    paths = {name: _inside(folder, name) for name in dict.fromkeys(names)}
    if len(paths) > _MOST_FILES or sum(path.stat().st_size for path in paths.values()) > MOST_BYTES:
        raise TooLarge(f"A model has at most {_MOST_FILES} files and {MOST_BYTES // 2**30} GB.")
    kept = []
    for name, path in paths.items():
        with path.open("rb") as file:
            default_storage.save(f"{place}/{name}", File(file))
        kept.append({"path": name, "sha256": sha256_of(path), "bytes": path.stat().st_size})
    return kept


def local(place: str, files: Iterable[Mapping[str, Any]]) -> Path:
    """A stored model as a folder of this machine; fetched once where the storage is elsewhere."""
    with contextlib.suppress(NotImplementedError):
        return Path(default_storage.path(place))
    folder = settings().folder / "models" / place
    if not (folder / CARD_FILE).exists():
        _fetch(place, files, folder)
    return folder


def copy(place: str, files: Iterable[Mapping[str, Any]], folder: Path) -> Path:
    """A stored model's files in a folder of the caller's own."""
    shutil.rmtree(folder, ignore_errors=True)
    _fetch(place, files, folder)
    return folder


def drop(place: str) -> None:
    """Delete a stored model, if it is there."""
    for path in list(_stored(place)):
        default_storage.delete(path)
    with contextlib.suppress(NotImplementedError):
        shutil.rmtree(default_storage.path(place), ignore_errors=True)  # the empty folders
    shutil.rmtree(settings().folder / "models" / place, ignore_errors=True)


def read_beside(place: str, name: str) -> bytes:
    """A report of a stored model. Raises NotFound."""
    try:
        with default_storage.open(f"{place}/{name}") as file:
            return bytes(file.read())
    except OSError:
        raise NotFound("This version has no report.") from None


def packed(place: str, files: Iterable[Mapping[str, Any]], name: str) -> IO[bytes]:
    """A stored model as a zip, its files below a folder of that name. Weights are noise: they are not compressed."""
    out = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for each in files:
            with (
                default_storage.open(f"{place}/{each['path']}") as file,
                archive.open(f"{name}/{each['path']}", "w", force_zip64=True) as packed_file,
            ):
                shutil.copyfileobj(file, packed_file, _CHUNK)
    out.seek(0)
    return out


def store_bytes(place: str, data: bytes) -> str:
    """Keep bytes under a place; gives where they are."""
    return str(default_storage.save(place, ContentFile(data)))


def table_of(data: bytes) -> dict[str, Any]:
    """A report's table. Raises NotFound for one that cannot be read."""
    try:
        table = json.loads(data)
    except ValueError:
        raise NotFound("The report of this version cannot be read.") from None
    return table if isinstance(table, dict) else {}


def _fetch(place: str, files: Iterable[Mapping[str, Any]], folder: Path) -> None:
    # The card comes last: a folder with a card is whole.
    for each in sorted(files, key=lambda file: str(file["path"]) == CARD_FILE):
        target = folder / str(each["path"])
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with default_storage.open(f"{place}/{each['path']}") as file, target.open("wb") as out:
                shutil.copyfileobj(file, out, _CHUNK)
        except OSError:
            raise BadInstallation(f"{each['path']} of the model is gone from the storage.") from None


def _stored(place: str) -> Iterable[str]:
    try:
        folders, names = default_storage.listdir(place)
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        yield f"{place}/{name}"
    for each in folders:
        yield from _stored(f"{place}/{each}")


def _inside(folder: Path, name: str) -> Path:
    """The plain file of that name in a folder. Raises BadInput for a name that leads out of it, and for links."""
    pure = PurePosixPath(name)
    parts = pure.parts
    if pure.is_absolute() or not parts or not all(_NAME.fullmatch(part) and part.strip(".") for part in parts):
        raise BadInput(f"The model's card names {name!r}, which is not a file in its folder.", file=name)
    path = folder
    for part in parts:
        path = path / part
        if path.is_symlink():
            raise BadInput(f"{name} is a link; a model's files are files.", file=name)
    if not path.is_file():
        raise BadInput(f"{name}, which the model's card names, is not in its folder.", file=name)
    return path
