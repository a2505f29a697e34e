"""Plug-ins: found by entry point, described by a manifest that is read without importing code, loaded when first used.

A plug-in is a package with `manifest.toml` beside its code. Entry point groups are `kefu.engines`, `kefu.channels`
and `kefu.recipes`; the entry point's value is the package, the manifest's `class` is `module:Name` inside it.
"""

import importlib
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kefu.kit.errors import BadInstallation, NotFound


@dataclass(frozen=True)
class Manifest:
    """What a plug-in says of itself. `extra` names the optional install that it needs, if any."""

    name: str
    kind: str
    title: str
    target: str
    roles: tuple[str, ...] = ()
    extra: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


@cache
def manifests(kind: str) -> dict[str, Manifest]:
    """Every installed plug-in of a kind (`engines`, `channels`, `recipes`) by name."""
    found = {point.name: _read(kind, point.name, point.value) for point in entry_points(group=f"kefu.{kind}")}
    return dict(sorted(found.items()))


def load(kind: str, name: str, protocol: type) -> type[Any]:
    """The plug-in's class, checked to be a `protocol`.

    Raises NotFound for a name that is not installed, BadInstallation for a class that does not fit.
    """
    point = next(iter(entry_points(group=f"kefu.{kind}", name=name)), None)
    if point is None:
        known = ", ".join(sorted(entry_points(group=f"kefu.{kind}").names)) or "none"
        raise NotFound(
            f"There is no {kind.removesuffix('s')} named {name!r}. Installed: {known}.", kind=kind, name=name
        )
    manifest = _read(kind, name, point.value)  # only this one: another plug-in's broken manifest is not our trouble
    module, _, attribute = manifest.target.partition(":")
    loaded = getattr(importlib.import_module(module), attribute)
    if not issubclass(loaded, protocol):
        raise BadInstallation(f"Plug-in {name!r}: {manifest.target} is not a {protocol.__name__}.", name=name)
    return loaded  # type: ignore[no-any-return]


def _read(kind: str, name: str, package: str) -> Manifest:
    folder = _folder(package)
    try:
        raw = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadInstallation(f"Plug-in {name!r} has no readable manifest.toml: {error}", name=name) from error
    return Manifest(
        name=name,
        kind=kind,
        title=raw["title"],
        target=raw["class"],
        roles=tuple(raw.get("roles", ())),
        extra=raw.get("extra"),
        options=raw.get("options", {}),
    )


def _folder(package: str) -> Path:
    parent, _, leaf = package.rpartition(".")
    # find_spec on a submodule imports its parents only, so the plug-in's own code stays unloaded.
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise BadInstallation(f"Plug-in package {package} cannot be found.", package=package, parent=parent, leaf=leaf)
    return Path(spec.origin).parent
