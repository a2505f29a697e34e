"""Pictures with labels: told apart from texts, so that who passes them is told what to do."""

from pathlib import Path

# IDX: two zero bytes, the type (8: unsigned bytes), and how many dimensions: 3 for pictures, 1 for their labels.
_IDX = {b"\x00\x00\x08\x03": "pictures", b"\x00\x00\x08\x01": "labels of pictures"}
_PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"}


def describe_idx(data: bytes) -> str | None:
    """What an IDX file holds, or None for other bytes."""
    return f"an IDX file of {_IDX[data[:4]]}" if data[:4] in _IDX else None


def describe_folder(folder: Path) -> str | None:
    """How many pictures in how many folders, or None for a folder without any."""
    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _PICTURES]
    if not found:
        return None
    return f"a folder with {len(found):,} pictures (one folder a label: {len({path.parent for path in found}):,})"
