"""A recipe's options: checked once, when it is constructed."""

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kefu.kit.errors import BadInput
from kefu.kit.settings import settings


class RecipeOptions(BaseModel):
    """What every recipe takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0, description="the same seed and data give the same model")
    threads: int = Field(default=0, ge=0, le=256, description="processor threads; 0 for KEFU_THREADS")
    licence: str = Field(default="", description="the licence the model is passed on under, for its card")

    @property
    def processor_threads(self) -> int:
        return self.threads or settings().threads


O = TypeVar("O", bound=RecipeOptions)  # noqa: E741


def read_options(kind: type[O], recipe: str, options: Mapping[str, Any]) -> O:
    """Raises BadInput that names the option, what was passed, and the nearest known name or what is expected."""
    for name in options:
        if name not in kind.model_fields:
            near = difflib.get_close_matches(name, kind.model_fields, 1)
            hint = f"Did you mean {near[0]}?" if near else f"Its options: {', '.join(sorted(kind.model_fields))}."
            raise BadInput(f"The recipe {recipe} has no option {name!r}. {hint}", option=name)
    try:
        return kind(**options)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        field = kind.model_fields.get(name)
        meant = f" It is: {field.description}." if field else ""
        raise BadInput(
            f"Option {name} of the recipe {recipe} cannot be {first.get('input')!r}: {first['msg']}.{meant}",
            option=name,
        ) from None
