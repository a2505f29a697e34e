"""Whatever the audit trail may hold, the console has words for, in both languages."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXTS = ROOT / "web" / "apps" / "console" / "src" / "texts"
# What is told as a whole "app.verb" in one call; kinds that are put together elsewhere are read where they are named.
KIND = re.compile(r"[a-z_]+\.[a-z_]+")


def audited() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "src" / "kefu" / "desk").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in {"audit", "_audit"}:
                found.update(_kinds(node))
    return found


def _kinds(call: ast.Call) -> Iterator[str]:
    if len(call.args) > 1:
        for node in ast.walk(call.args[1]):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and KIND.fullmatch(node.value):
                yield node.value


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_console_names_what_the_audit_trail_holds(language: str) -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in sorted((TEXTS / language).glob("*.ts")))
    named = set(re.findall(r'"audit\.([a-z_]+\.[a-z_]+)"', texts))
    assert audited() - named == set()
    assert len(audited()) > 80  # the walk above still finds them
