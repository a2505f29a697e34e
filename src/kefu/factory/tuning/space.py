"""What of a recipe may vary, and how far: declared in its manifest, narrowed by whoever looks.

[space]
learning_rate = { low = 2e-5, high = 4e-4, log = true }
num_train_epochs = { low = 2, high = 8 }
loss = { choices = ["cross_entropy", "focal"] }
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from kefu.factory.config import option_pair, recipe_and_options
from kefu.kit import registry
from kefu.kit.errors import BadInput, BadInstallation

_TO, _OR = "..", "|"
# A range from here to so many times that is looked at by magnitude.
_MAGNITUDES = 100


@dataclass(frozen=True)
class Dial:
    """An option that varies: between `low` and `high` (whole numbers if both are), or over `choices`."""

    name: str
    low: float | int = 0
    high: float | int = 0
    log: bool = False
    choices: tuple[str | int | float | bool, ...] = ()

    def suggest(self, trial: Any) -> Any:
        """A value of a trial of Optuna's."""
        if self.choices:
            return trial.suggest_categorical(self.name, list(self.choices))
        if self.is_whole:
            return trial.suggest_int(self.name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(self.name, self.low, self.high, log=self.log)

    @property
    def is_whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    def table(self) -> dict[str, Any]:
        """What `dial_of` reads."""
        given = asdict(self)
        given.pop("name")
        return {"choices": list(self.choices)} if self.choices else {**given, "choices": []}


def declared(recipe: str) -> tuple[Dial, ...]:
    """The dials of a recipe's manifest. Raises BadInput for a recipe that declares none."""
    manifest = registry.manifests("recipes").get(recipe)
    space = manifest.whole.get("space") if manifest else None
    if not isinstance(space, Mapping) or not space:
        raise BadInput(
            f"The recipe {recipe} declares no space to look in; say what may vary, such as learning_rate=1e-5..1e-3.",
            recipe=recipe,
        )
    try:
        return tuple(dial_of(name, table) for name, table in space.items())
    except (BadInput, TypeError) as error:
        raise BadInstallation(f"The space of the recipe {recipe} cannot be understood: {error}.") from error


def dial_of(name: str, table: Mapping[str, Any]) -> Dial:
    """Raises BadInput for a range without an extent, TypeError for a table that is no dial's."""
    dial = Dial(name, **{**table, "choices": tuple(table.get("choices", ()))})
    if not dial.choices and not dial.low < dial.high:
        raise BadInput(f"{name}: the range begins at {dial.low} and must end above it, not {dial.high}.", option=name)
    if dial.log and not dial.low > 0:
        raise BadInput(f"{name}: a range of magnitudes begins above 0, not at {dial.low}.", option=name)
    return dial


def asked(named: str, given: Sequence[str]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The recipe, the tables of what varies, and what is fixed: by its YAML, and by `given` as in `narrowed`.

    Raises BadInput for a recipe or an option that there is not.
    """
    recipe, base = recipe_and_options(named)
    dials, fixed = narrowed(recipe, given)
    # What the YAML says holds where nothing else does; the seed and the threads are the tuning's own.
    left_out = {dial.name for dial in dials} | {"seed", "threads"}
    kept = {**{key: value for key, value in base.items() if key not in left_out}, **fixed}
    return recipe, {dial.name: dial.table() for dial in dials}, kept


def narrowed(recipe: str, given: Sequence[str]) -> tuple[tuple[Dial, ...], dict[str, Any]]:
    """The dials that are left and the options that are fixed, by `key=value`, `key=low..high` or `key=this|that`.

    Raises BadInput for what is none of these, or when nothing is left to vary.
    """
    dials: dict[str, Dial] = {}
    try:
        dials = {dial.name: dial for dial in declared(recipe)}
    except BadInput:
        if not any(_TO in each or _OR in each for each in given):
            raise
    fixed: dict[str, Any] = {}
    for written in given:
        name, separator, value = written.partition("=")
        if separator and _TO in value:
            dials[name] = _range(name, value, dials.get(name))
        elif separator and _OR in value:
            choices = tuple(option_pair(f"{name}={each}")[1] for each in value.split(_OR))
            dials[name] = Dial(name, choices=choices)
        else:
            key, found = option_pair(written)
            fixed[key] = found
            dials.pop(key, None)
    if not dials:
        raise BadInput("Everything is fixed, so there is nothing to look for; leave an option out.", recipe=recipe)
    return tuple(dials.values()), fixed


def _range(name: str, value: str, known: Dial | None) -> Dial:
    low, high = (option_pair(f"{name}={each}")[1] for each in value.split(_TO, 1))
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in (low, high)):
        raise BadInput(f"{name}={value}: a range is two numbers, such as 1e-5..1e-3.", option=name)
    whole = isinstance(low, int) and isinstance(high, int) and (known is None or bool(known.choices) or known.is_whole)
    if not whole:
        low, high = float(low), float(high)
    is_log = bool(known and known.log and low > 0) or (low > 0 and high / low >= _MAGNITUDES)
    return dial_of(name, replace(Dial(name), low=low, high=high, log=is_log).table())
