"""Every package that the code imports is one that an installation gets: a checkout's virtualenv may hold more."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# These are what a package of ours is built on, and come with each version that serves it.
CARRIED = {
    "jwt": "django-allauth",
    "pydantic_core": "pydantic",
    "requests": "django-allauth",
    "scipy": "scikit-learn",
    "starlette": "fastapi",
}
SERVING = ("postgres", "gguf", "s3", "otel", "speech", "train", "tensorboard", "mlflow", "tune", "explain", "ray")


def distribution(requirement: str) -> str:
    """`psycopg[binary]>=3.2` is `psycopg`, in the one spelling of an index (PEP 503)."""
    name = re.match(r"[\w.-]+", requirement)
    assert name is not None
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def declared(extras: tuple[str, ...]) -> set[str]:
    more = [each for extra in extras for each in PROJECT["optional-dependencies"][extra]]
    return {distribution(each) for each in [*PROJECT["dependencies"], *more]}


def imported(folder: Path) -> dict[str, str]:
    """Top-level packages of others, each with a file that imports it."""
    found: dict[str, str] = {}
    # What authors of channels run brings no pytest: they have one.
    for path in sorted(each for each in folder.rglob("*.py") if ROOT / "src/kefu/testing" not in each.parents):
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            for name in names:
                found.setdefault(name.partition(".")[0], str(path.relative_to(ROOT)))
    return {name: path for name, path in found.items() if name not in {*sys.stdlib_module_names, "kefu", "tests"}}


@pytest.mark.parametrize(("folder", "extras"), [("src/kefu", SERVING), ("tests", (*SERVING, "test"))])
def test_what_is_imported_is_installed(folder: str, extras: tuple[str, ...]) -> None:
    known, providers = declared(extras), packages_distributions()
    missing = {}
    for name, path in imported(ROOT / folder).items():
        carrier = CARRIED.get(name)
        of = [carrier] if carrier else providers.get(name, [name])
        if not known & {distribution(each) for each in of}:
            missing[name] = path
    assert missing == {}, "pyproject.toml does not name what these files import"


def test_extras_that_serve_are_there() -> None:
    assert {*SERVING, "test"} == {*PROJECT["optional-dependencies"]}
