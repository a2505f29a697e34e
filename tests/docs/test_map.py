"""docs/map.md says where things happen; it names only what is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAP = ROOT / "docs/map.md"
_QUOTED = re.compile(r"`([^`\s]+)`")


def named() -> list[str]:
    """What is quoted and looks like a path: a folder in it, or a file's ending."""
    text = MAP.read_text(encoding="utf-8") if MAP.exists() else ""
    return sorted(
        {name.rstrip("/") for name in _QUOTED.findall(text) if "/" in name.strip("/") or name.endswith(".py")}
    )


@pytest.mark.parametrize("name", named())
def test_what_the_map_names_is_there(name: str) -> None:
    # As the map says: below src/kefu unless the path begins with another folder of the repository.
    assert (ROOT / "src/kefu" / name).exists() or (ROOT / name).exists()


@pytest.mark.skipif(not MAP.exists(), reason="the map is not drawn yet")
def test_the_map_shows_each_part_of_the_house() -> None:
    parts = {
        path.name
        for path in (ROOT / "src/kefu").iterdir()
        if (path / "__init__.py").exists() and any(path.glob("*.py"))
    }
    shown = {name.partition("/")[0] for name in named()}
    # A floor that has only its __init__ has nothing to show yet; contracts are shapes, where nothing happens.
    empty = {
        part for part in parts if not any(p.name != "__init__.py" for p in (ROOT / "src/kefu" / part).rglob("*.py"))
    }
    assert parts - shown - empty <= {"contracts"}
