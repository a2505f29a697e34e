"""The budgets of the house: small modules, functions and classes; a light import."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE_LINES, TEST_LINES, FUNCTION_LINES, CLASS_LINES = 600, 800, 80, 400
IMPORT_MS = 50


def modules(folder: str) -> Iterator[Path]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        if "migrations" not in path.parts:
            yield path


@pytest.mark.parametrize(
    ("folder", "limit"), [("src", MODULE_LINES), ("benchmarks", MODULE_LINES), ("tests", TEST_LINES)]
)
def test_no_module_is_longer_than_its_budget(folder: str, limit: int) -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules(folder)}
    assert {str(path): length for path, length in lengths.items() if length > limit} == {}


def test_no_function_or_class_is_longer_than_its_budget() -> None:
    too_long = []
    for path in modules("src"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            limit = {ast.FunctionDef: FUNCTION_LINES, ast.AsyncFunctionDef: FUNCTION_LINES, ast.ClassDef: CLASS_LINES}
            length = (getattr(node, "end_lineno", 0) or 0) - getattr(node, "lineno", 0) + 1
            if type(node) in limit and length > limit[type(node)]:
                too_long.append(f"{path}:{node.lineno} {length}")  # type: ignore[attr-defined]
    assert too_long == []


def test_importing_kefu_is_quick() -> None:
    code = "import time; began = time.perf_counter(); import kefu; print((time.perf_counter() - began) * 1000)"
    times = sorted(float(fresh(code)) for _ in range(5))
    assert times[0] < IMPORT_MS


def test_the_command_line_loads_no_heavy_library() -> None:
    loaded = fresh("import sys, kefu.cli; print(' '.join(sys.modules))").split()
    heavy = {"torch", "ray", "onnxruntime", "django", "fastapi", "numpy", "httpx"}
    assert heavy & set(loaded) == set()


def test_the_server_loads_no_torch() -> None:
    loaded = fresh("import sys; from kefu.desk.boot import boot; boot(); import kefu.gateway.app; print(*sys.modules)")
    assert {"torch", "ray", "transformers"} & set(loaded.split()) == set()


def fresh(code: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
