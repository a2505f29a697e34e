"""Which recipe, with which options: a name with its commented YAML, or a YAML file, and `key=value` on top."""

import difflib
import math
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from kefu.kit import registry
from kefu.kit.errors import BadInput

_YAML = (".yaml", ".yml")


def recipe_and_options(named: str, given: Sequence[str] = ()) -> tuple[str, dict[str, Any]]:
    """A recipe's name and options. `named` is a recipe or a YAML file; `given` are `key=value`, values as in YAML.

    Raises BadInput for a name that is not installed, a file that is no recipe's, or a pair that is none.
    """
    path = Path(named)
    if path.suffix.lower() in _YAML or path.is_file():
        table = _read(path)
        recipe = table.pop("recipe", None)
        if not isinstance(recipe, str):
            raise BadInput(f"{path} does not say which recipe it is for; add a line such as recipe: head.", path=named)
    else:
        recipe = named.replace("-", "_")  # as people write it: sft-lora
        table = _defaults(recipe)
    _refuse_unknown(recipe)
    return recipe, {**table, **dict(option_pair(each) for each in given)}


def _refuse_unknown(recipe: str) -> None:
    known = {*registry.manifests("recipes"), *registry.broken("recipes")}
    if recipe in known:
        return
    near = difflib.get_close_matches(recipe, known, 2)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    raise BadInput(
        f"There is no recipe {recipe!r}. {hint}Recipes: {', '.join(sorted(known))}; or name a YAML file.", recipe=recipe
    )


def _defaults(recipe: str) -> dict[str, Any]:
    """The commented YAML of Kefu's own recipes; those of others have their defaults in code."""
    if not recipe.isidentifier():
        return {}
    resource = files("kefu.factory").joinpath("configs", f"{recipe}.yaml")
    if not resource.is_file():
        return {}
    table = _table(resource.read_text(encoding="utf-8"), f"{recipe}.yaml")
    table.pop("recipe", None)
    return table


def _read(path: Path) -> dict[str, Any]:
    try:
        return _table(path.read_text(encoding="utf-8-sig"), str(path))
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", path=str(path)) from None
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not UTF-8 text.", path=str(path)) from None


def _table(text: str, name: str) -> dict[str, Any]:
    try:
        table = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise BadInput(f"{name} is not YAML: {str(error).splitlines()[0]}.", path=name) from None
    if not isinstance(table, dict) or not all(isinstance(key, str) for key in table):
        raise BadInput(f"{name} does not hold lines of option: value.", path=name)
    return table


def option_pair(written: str) -> tuple[str, Any]:
    """`key=value` as key and value, read as in YAML. Raises BadInput for what is no pair."""
    key, separator, value = written.partition("=")
    if not separator or not key.strip():
        raise BadInput(f"{written!r} is no option; write key=value, such as seed=1.", option=written)
    return key.strip(), _value(value.strip())


def _value(written: str) -> Any:
    """YAML 1.1 takes 5e-5 for a text and nothing for null; people mean the number and the empty text."""
    try:
        return float(written) if _is_exponent(written) else yaml.safe_load(written) if written else ""
    except (yaml.YAMLError, RecursionError):
        return written


def _is_exponent(written: str) -> bool:
    try:
        return "e" in written.lower() and math.isfinite(float(written))
    except ValueError:
        return False
