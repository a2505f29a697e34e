"""Who is told across apps: named when Django starts, loaded when there is something to tell.

Were they loaded at the start, every command of the command line would pay for all of Kefu.
"""

import pkgutil
from collections.abc import Iterator
from typing import Generic, TypeVar, cast

L = TypeVar("L")


class Listeners(Generic[L]):
    """Names of what is told, `package.module:name`, in the order in which they were added."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._loaded: tuple[L, ...] | None = None

    def add(self, name: str) -> None:
        """Harmless twice. A name that leads nowhere is an ImportError or AttributeError when it is first told."""
        if name not in self._names:
            self._names.append(name)
            self._loaded = None

    def __iter__(self) -> Iterator[L]:
        if self._loaded is None:
            self._loaded = tuple(cast("L", pkgutil.resolve_name(name)) for name in self._names)
        return iter(self._loaded)
