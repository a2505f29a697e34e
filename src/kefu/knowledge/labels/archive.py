"""A zip as a dataset: pictures in folders, in a table or as IDX, or one file of labelled texts."""

import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from kefu.contracts.dataset import Dataset
from kefu.kit.errors import BadInput
from kefu.knowledge.labels.pictures import ENDINGS, is_idx, names_a_picture, read_folder
from kefu.knowledge.parsing.document import ParseLimits
from kefu.knowledge.parsing.zip_safety import open_zip

# Pictures are many and small, and hardly smaller in a zip; a table of texts is few and large.
_LIMITS = ParseLimits(unpacked_bytes=2**30, archive_members=200_000)
_TEXTS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".yml", ".yaml", ".conll", ".txt", ".gz")


def read_zip(data: bytes, *, name: str, skip_bad: bool = False) -> Dataset:
    """What a zip holds. Raises BadInput for one that is damaged, too large, or holds nothing of that kind."""
    from kefu.knowledge.labels.read import read

    with tempfile.TemporaryDirectory(prefix="kefu-zip-") as place:
        folder = Path(place)
        files = _unpacked(data, name, folder)
        pictures = [each for each in files if names_a_picture(each.name)]
        tables = [each for each in files if each.suffix.lower() in {".csv", ".tsv"}]
        idx = [each for each in files if is_idx(_head(each)) and "label" not in each.name]
        if pictures and len(tables) != 1:
            return read_folder(folder, skip_bad=skip_bad)
        found = tables if pictures else idx or [each for each in files if each.suffix.lower() in _TEXTS]
        if len(found) != 1:
            raise BadInput(
                f"{name} holds {len(found)} files to choose from; pack a folder of pictures for each label, a table "
                "beside its pictures, IDX files, or one file of texts.",
                name=name,
            )
        return read(found[0], skip_bad=skip_bad)


def _unpacked(data: bytes, name: str, folder: Path) -> list[Path]:
    """The zip's files that may be read, below a folder."""
    found = []
    try:
        with open_zip(data, _LIMITS) as archive:
            for each in archive.infolist():
                target = _target(folder, PurePosixPath(each.filename.replace("\\", "/")))
                if each.is_dir() or target is None:
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(each))
                found.append(target)
    except BadInput as error:
        raise BadInput(f"{name}: {error.sentence}", name=name) from error
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError, ValueError) as error:
        raise BadInput(f"{name} cannot be unpacked: it is damaged, or has a password.", name=name) from error
    return sorted(found)


def _target(folder: Path, name: PurePosixPath) -> Path | None:
    """Where a member goes; None for what lies outside, is hidden, or is of no kind that is read."""
    hidden = any(part.startswith((".", "__MACOSX")) for part in name.parts)
    if hidden or name.is_absolute() or not name.parts or "\x00" in str(name):
        return None
    is_known = name.suffix.lower() in {*ENDINGS, *_TEXTS} or "idx" in name.name or "-ubyte" in name.name
    return folder.joinpath(*name.parts) if is_known else None


def _head(file: Path) -> bytes:
    import gzip

    data = file.read_bytes()
    try:
        return gzip.decompress(data)[:4] if data[:2] == b"\x1f\x8b" else data[:4]
    except (OSError, EOFError, ValueError):
        return b""
