"""The report as a page: self-contained, escaped, readable without scripts."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any


def page(table: Mapping[str, Any]) -> str:
    """One HTML document."""
    figures = escape(json.dumps(table["metrics"], ensure_ascii=False, indent=1))
    return f'<!doctype html><meta charset="utf-8"><title>Report</title><pre>{figures}</pre>\n'
