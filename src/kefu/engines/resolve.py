"""Model references made into files on disk whose SHA-256 was checked.

A reference is one of

- `package:NAME`      a model in an installed Python package, which is found but never imported
- `path:DIR`          a folder with `card.json` in it, or `path:FILE` for a model that is one file
- `hub:OWNER/NAME`    a model hub over HTTPS, at a pinned revision, kept in KEFU_HOME/models

A card is a table as in kefu-models' models.json: `name`, what the engine needs to know of the model, and `files`, each
with `path` and `sha256`.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from kefu.contracts.pinned import PINNED_PACKAGES
from kefu.engines.hub import Hub, download
from kefu.kit.errors import BadInput, BadInstallation, MissingExtra
from kefu.kit.settings import settings

# Formats that hold only data. Whatever could run code when loaded (pickles, scripts) is never opened.
DATA_FORMATS = frozenset({".onnx", ".gguf", ".safetensors", ".json", ".txt"})


# It becomes a folder's name and part of an address.
HUB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class ModelFiles:
    """A model's checked files: `files` and `sha256` are by path inside the model's folder."""

    name: str
    card: Mapping[str, Any]
    files: Mapping[str, Path]
    sha256: Mapping[str, str]

    def one(self, ending: str) -> str:
        """The path of the only file that ends so. Raises BadInstallation when there is none, or more than one."""
        found = [path for path in self.files if path.endswith(ending)]
        if len(found) != 1:
            raise BadInstallation(
                f"Model {self.name} has {len(found)} files that end in {ending}; its card must name exactly one.",
                model=self.name,
            )
        return found[0]


@dataclass(frozen=True)
class _Source:
    """Where a model lies: `mend` says what to do when a file of it is missing or damaged."""

    folder: Path
    card: Mapping[str, Any]
    mend: str


def resolve(
    reference: str, endings: Sequence[str], *, card: Mapping[str, Any] | None = None, hub: Hub | None = None
) -> ModelFiles:
    """Find the model's files with these endings, fetch them if they are on a hub, and check each one's SHA-256.

    `card` stands in for the model's own card (`path:` and `hub:` only). Blocks: call it in a thread.
    Raises BadInput for a reference that cannot be used, MissingExtra for a package that is not installed, Unavailable
    when the hub does not answer, BadInstallation for a missing or damaged file.
    """
    scheme, _, name = reference.partition(":")
    if scheme == "package" and name:
        source = _in_package(name)
    elif scheme == "path" and name:
        source = _on_disk(Path(name).expanduser(), card)
    elif scheme == "hub" and HUB_NAME.fullmatch(name):
        source = _on_hub(name, card, hub or Hub(), endings)
    else:
        raise BadInput(
            f"{reference!r} is not a model reference. Expected package:NAME, path:DIR or hub:OWNER/NAME.",
            reference=reference,
        )
    return _checked(source, endings)


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal; kept for the process's life while its size and time stay the same."""
    status = path.stat()
    key = (str(path), status.st_size, status.st_mtime_ns)
    if key not in _digests:
        with path.open("rb") as stream:
            _digests[key] = hashlib.file_digest(stream, "sha256").hexdigest()
    return _digests[key]


_digests: dict[tuple[str, int, int], str] = {}


def _in_package(name: str) -> _Source:
    if name in PINNED_PACKAGES:
        pinned = PINNED_PACKAGES[name]
        folder = _package_folder(pinned.package, pinned.install)
        card = {"name": name, "files": [{"path": pinned.file, "sha256": pinned.sha256}]}
        return _Source(folder, card, f"Run: {pinned.install}")
    install = "pip install --force-reinstall kefu-models"
    folder = _package_folder("kefu_models", install)
    models = _read_json(folder / "models.json", f"Run: {install}").get("models", [])
    for listed in models:
        if listed["name"] == name:
            return _Source(folder / name, _relative_to(name, listed), f"Run: {install}")
    known = ", ".join(sorted([*(listed["name"] for listed in models), *PINNED_PACKAGES]))
    raise BadInput(f"There is no packaged model named {name!r}. Known: {known}.", reference=f"package:{name}")


def _package_folder(package: str, install: str) -> Path:
    spec = find_spec(package)  # for a top-level name this imports nothing
    if spec is None or spec.origin is None:
        raise MissingExtra(f"The model package {package} is not installed. Run: {install}", module=package)
    return Path(spec.origin).parent


def _relative_to(name: str, card: Mapping[str, Any]) -> dict[str, Any]:
    # The package's index names files from its own folder; everywhere else a card names them from the model's.
    files = [{**file, "path": str(file["path"]).removeprefix(f"{name}/")} for file in card["files"]]
    return {**card, "files": files}


def _on_disk(path: Path, card: Mapping[str, Any] | None) -> _Source:
    if path.is_file():
        # A file that its owner named directly: it is its own pin unless the card holds one.
        named = {"name": path.stem, **(card or {})}
        digest = str(named.get("sha256") or sha256_of(path))
        return _Source(path.parent, {**named, "files": [{"path": path.name, "sha256": digest}]}, _PUT_BACK)
    if not path.is_dir():
        raise BadInstallation(f"There is no model at {path}.")
    if card is None:
        if not (path / "card.json").is_file():
            raise BadInstallation(f"{path} has no card.json that names the model's files and their SHA-256.")
        card = _read_json(path / "card.json", _PUT_BACK)
    return _Source(path, {"name": path.name, **card}, _PUT_BACK)


_PUT_BACK = "Put the right file back, or correct the card."


def _on_hub(name: str, card: Mapping[str, Any] | None, hub: Hub, endings: Sequence[str]) -> _Source:
    if card is None or not hub.is_pinned():
        raise BadInput(
            f"hub:{name} needs the options `revision` (a commit of 40 hexadecimal digits) and `card` "
            "(the model's files, each with its sha256).",
            reference=f"hub:{name}",
        )
    folder = settings().folder / "models" / name / hub.revision
    card = {"name": name, **card}
    for path, digest in _wanted(card, endings).items():
        if not (folder / path).exists():
            download(hub, name, path, digest, folder / path)
    return _Source(folder, card, f"Delete {folder} to download it again.")


def _checked(source: _Source, endings: Sequence[str]) -> ModelFiles:
    name = str(source.card["name"])
    wanted = _wanted(source.card, endings)
    files = {path: source.folder / path for path in wanted}
    for path, expected in wanted.items():
        _check(f"{path} of model {name}", files[path], expected, source.mend)
    return ModelFiles(name, source.card, files, wanted)


def _wanted(card: Mapping[str, Any], endings: Sequence[str]) -> dict[str, str]:
    """SHA-256 by path of the card's files with these endings."""
    try:
        listed = {str(file["path"]): str(file["sha256"]).lower() for file in card["files"]}
    except (KeyError, TypeError) as error:
        raise BadInstallation(
            f"The card of model {card.get('name')} is not complete: `files` lists a path and a sha256 for each file."
        ) from error
    wanted = {path: digest for path, digest in listed.items() if path.endswith(tuple(endings))}
    for path in wanted:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or "\\" in path or pure.suffix not in DATA_FORMATS:
            raise BadInstallation(f"The card of model {card.get('name')} names {path!r}, which is never loaded.")
    return wanted


def _check(what: str, path: Path, expected: str, mend: str) -> None:
    try:
        found = sha256_of(path)
    except OSError as error:
        raise BadInstallation(f"{what} cannot be read. {mend}") from error
    if found != expected:
        raise BadInstallation(
            f"{what} is damaged or not the pinned one: its SHA-256 is {found[:12]}…, "
            f"{expected[:12]}… is expected. {mend}",
            file=path.name,
            found=found,
            expected=expected,
        )


def _read_json(path: Path, mend: str) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInstallation(f"{path} cannot be read. {mend}") from error
    if not isinstance(value, dict):
        raise BadInstallation(f"{path} does not hold a table. {mend}")
    return value
