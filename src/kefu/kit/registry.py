"""Plug-ins: found by entry point, described by a manifest that is read without importing code, loaded when first used.

A plug-in is a package with `manifest.toml` beside its code. Entry point groups are `kefu.engines`, `kefu.channels`
and `kefu.recipes`; the entry point's value is the package, the manifest's `class` is `module:Name` inside it.
"""

import importlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kefu.kit.errors import BadInstallation, MissingExtra, NotFound
from kefu.kit.log import Log

_log = Log(__name__)


@dataclass(frozen=True)
class Manifest:
    """What a plug-in says of itself.

    `roles` are what it can do (an engine: encode, generate), `extra` names the optional install that it needs, if any,
    `options` have a line of help each. A plug-in `for_tests` is not offered to people. `whole` is the file, for what
    only one kind of plug-in says.
    """

    name: str
    kind: str
    title: str
    target: str
    roles: tuple[str, ...] = ()
    extra: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    for_tests: bool = False
    whole: Mapping[str, Any] = field(default_factory=dict, compare=False, hash=False)


def manifests(kind: str) -> Mapping[str, Manifest]:
    """Every sound plug-in of a kind (`engines`, `channels`, `recipes`) by name."""
    return MappingProxyType({name: found for name, found in _found(kind).items() if isinstance(found, Manifest)})


def broken(kind: str) -> Mapping[str, BadInstallation]:
    """Installed plug-ins that cannot be used, and why: one of them does not stop the others."""
    return MappingProxyType({name: found for name, found in _found(kind).items() if not isinstance(found, Manifest)})


def load(kind: str, name: str, protocol: type) -> type[Any]:
    """The plug-in's class, checked to be a `protocol`.

    Raises NotFound for a name that is not installed, MissingExtra when its extra is not, BadInstallation for a
    plug-in that is damaged or whose class does not fit.
    """
    if error := broken(kind).get(name):
        raise BadInstallation(error.sentence, **error.fields)
    manifest = manifests(kind).get(name)
    if manifest is None:
        known = ", ".join(manifests(kind)) or "none"
        raise NotFound(
            f"There is no {kind.removesuffix('s')} named {name!r}. Installed: {known}.", kind=kind, name=name
        )
    loaded = _import(manifest)
    if not (isinstance(loaded, type) and issubclass(loaded, protocol)):
        raise BadInstallation(f"Plug-in {name!r}: {manifest.target} is not a {protocol.__name__}.", name=name)
    return loaded


def forget() -> None:
    """Look for plug-ins anew, after packages were installed by a command or a test."""
    _found.cache_clear()


@cache
def _found(kind: str) -> dict[str, Manifest | BadInstallation]:
    found: dict[str, Manifest | BadInstallation] = {}
    for point in sorted(entry_points(group=f"kefu.{kind}"), key=lambda point: point.name):
        if point.name in found:
            found[point.name] = BadInstallation(f"Two installed packages call a plug-in {point.name!r}; remove one.")
        else:
            found[point.name] = _read_or_error(kind, point.name, point.value)
    for name, entry in found.items():
        if isinstance(entry, BadInstallation):
            _log.warning("plugin_broken", kind=kind, name=name, reason=entry.sentence)
    return found


def _import(manifest: Manifest) -> Any:
    module, _, attribute = manifest.target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        own = module.startswith(error.name or module)
        if own or manifest.extra is None:
            raise BadInstallation(
                f"Plug-in {manifest.name!r} cannot be loaded: {error}.", name=manifest.name
            ) from error
        raise MissingExtra(
            f"{error.name} is not installed. Install it with: pip install 'kefu[{manifest.extra}]'",
            module=error.name,
            extra=manifest.extra,
        ) from error
    except AttributeError as error:
        raise BadInstallation(f"Plug-in {manifest.name!r} has no {manifest.target}.", name=manifest.name) from error


def _read_or_error(kind: str, name: str, package: str) -> Manifest | BadInstallation:
    try:
        return _read(kind, name, package)
    except BadInstallation as error:
        return error


def _read(kind: str, name: str, package: str) -> Manifest:
    folder = _folder(name, package)
    try:
        raw = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInstallation(f"Plug-in {name!r} has no readable manifest.toml: {error}", name=name) from error
    missing = [key for key in ("title", "class") if not isinstance(raw.get(key), str)]
    if missing:
        raise BadInstallation(f"The manifest.toml of plug-in {name!r} does not say: {', '.join(missing)}.", name=name)
    return Manifest(
        name=name,
        kind=kind,
        title=raw["title"],
        target=raw["class"],
        roles=tuple(raw.get("roles", ())),
        extra=raw.get("extra"),
        options=raw.get("options", {}),
        for_tests=bool(raw.get("for_tests", False)),
        whole=raw,
    )


def _folder(name: str, package: str) -> Path:
    # find_spec on a submodule imports its parents only, so the plug-in's own code stays unloaded.
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        raise BadInstallation(f"The package {package} of plug-in {name!r} cannot be found.", name=name)
    return Path(spec.origin).parent
