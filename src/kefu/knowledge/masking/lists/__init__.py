"""Lists of surnames, given names and places, written by Kefu's engineers; each is read when first needed."""

from functools import cache
from importlib.resources import files


@cache
def lines(name: str) -> tuple[str, ...]:
    """Return the lines of a list that are not comments."""
    text = files(__name__).joinpath(f"{name}.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


@cache
def words(name: str) -> frozenset[str]:
    """Return every word of a list, in any of its lines."""
    return frozenset(word for line in lines(name) for word in line.split())


@cache
def keyed(name: str) -> dict[str, frozenset[str]]:
    """Return the words of a list whose lines begin with a key and a colon, by key."""
    found: dict[str, set[str]] = {}
    for line in lines(name):
        key, _, rest = line.partition(":")
        found.setdefault(key, set()).update(rest.split())
    return {key: frozenset(members) for key, members in found.items()}
