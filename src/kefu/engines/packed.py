"""A model in a zip, as `kefu export` writes it, made into a folder that engines read."""

import os
import shutil
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from kefu.contracts.model_card import CARD_FILE
from kefu.engines.resolve import DATA_FORMATS, sha256_of
from kefu.kit.errors import BadInstallation
from kefu.kit.settings import settings

# A zip says how large its files become; one that says more than any model of ours needs is not unpacked.
_MOST_BYTES = 4 * 2**30
_ALSO = frozenset({".md"})


def unpacked(path: Path) -> Path:
    """The folder of the model in a zip; any other path as it is.

    It is kept in KEFU_HOME/models/packed under the zip's SHA-256, so each zip is unpacked once. Only files of data are
    taken, and their hashes are checked like those of any model when it is loaded. Raises BadInstallation.
    """
    if path.suffix.lower() != ".zip" or not path.is_file():
        return path
    folder = settings().folder / "models" / "packed" / sha256_of(path)
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            _unpack(path, Path(scratch) / "model")
            try:
                os.rename(Path(scratch) / "model", folder)
            except OSError:
                if not folder.is_dir():  # another process was quicker, or the disk refuses
                    raise
    return folder


def _unpack(path: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            files = [each for each in archive.infolist() if not each.is_dir()]
            root = _root(path, files)
            if sum(each.file_size for each in files) > _MOST_BYTES:
                raise BadInstallation(f"{path} is too large for a model.", file=str(path))
            for each in files:
                target = _target(path, folder, PurePosixPath(each.filename), root)
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(each) as source, target.open("wb") as made:
                    shutil.copyfileobj(source, made)
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise BadInstallation(f"{path} cannot be unpacked: {error}.", file=str(path)) from error


def _root(path: Path, files: list[zipfile.ZipInfo]) -> PurePosixPath:
    """The folder in the zip that holds the card."""
    cards = [PurePosixPath(each.filename) for each in files if PurePosixPath(each.filename).name == CARD_FILE]
    if len(cards) != 1:
        raise BadInstallation(f"{path} holds {len(cards)} files {CARD_FILE}; a model has one.", file=str(path))
    return cards[0].parent


def _target(path: Path, folder: Path, name: PurePosixPath, root: PurePosixPath) -> Path:
    is_inside = not name.is_absolute() and ".." not in name.parts and name.is_relative_to(root)
    if not is_inside or "\\" in str(name) or name.suffix not in DATA_FORMATS | _ALSO:
        raise BadInstallation(f"{path} holds {name}, which is no part of a model.", file=str(path))
    return folder / name.relative_to(root)
