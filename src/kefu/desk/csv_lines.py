"""Lines of CSV for spreadsheets."""

import csv
import io
from collections.abc import Iterable
from typing import Any

# A spreadsheet takes a cell that begins so for a formula, and runs it (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_line(cells: Iterable[Any]) -> str:
    """One line, its end included; no cell is a formula."""
    out = io.StringIO()
    csv.writer(out).writerow([_plain(cell) for cell in cells])
    return out.getvalue()


def _plain(cell: Any) -> Any:
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    return cell
