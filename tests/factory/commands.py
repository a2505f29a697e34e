"""Kefu's commands run in this process, and models trained by them."""

from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from kefu.cli import cli
from kefu.contracts.model_card import ModelCard, read_card
from kefu.kit.errors import KefuError

SAMPLES = Path(__file__).parent / "samples"
TRAIN, VALID, OUTSIDE = (SAMPLES / f"{name}.csv" for name in ("intents_train", "intents_valid", "out_of_scope"))


@dataclass(frozen=True)
class Trained:
    """A model's folder and what the command said."""

    folder: Path
    said: str

    @property
    def card(self) -> ModelCard:
        return read_card(self.folder)


def kefu(*arguments: str | Path) -> str:
    """What a command prints on standard output; it must succeed."""
    result = _run(arguments)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def refused(*arguments: str | Path) -> str:
    """The sentence that a command fails with."""
    result = _run(arguments)
    assert result.exit_code == 1, result.output
    if isinstance(result.exception, KefuError):
        return result.exception.sentence
    [sentence] = [line for line in result.stderr.splitlines() if line.startswith("kefu: ")]
    return sentence.removeprefix("kefu: ")


def train(recipe: str, folder: Path, *more: str | Path, data: Path = TRAIN, valid: Path | None = VALID) -> Trained:
    measured = ("--valid", valid) if valid else ()
    return Trained(folder, kefu("train", recipe, "--data", data, *measured, "--out", folder, *more))


def _run(arguments: tuple[str | Path, ...]) -> Result:
    result = CliRunner().invoke(cli, [str(each) for each in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit | KefuError):
        raise result.exception
    return result
