"""Recipes by name and by file, and options as they are typed."""

from importlib.resources import files
from pathlib import Path

import pytest

from kefu.contracts.job import Recipe
from kefu.factory.config import recipe_and_options
from kefu.kit import registry
from kefu.kit.errors import BadInput, MissingExtra

CONFIGS = [each for each in files("kefu.factory").joinpath("configs").iterdir() if each.name.endswith(".yaml")]


def test_a_name_brings_its_commented_defaults() -> None:
    recipe, options = recipe_and_options("linear")
    assert recipe == "linear"
    assert options["features"] == 60_000
    assert "recipe" not in options


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_every_shipped_file_is_of_a_recipe_that_takes_its_options(config: Path) -> None:
    recipe, options = recipe_and_options(str(config))
    assert config.name == f"{recipe}.yaml"
    try:
        made = registry.load("recipes", recipe, Recipe)
    except MissingExtra:
        pytest.skip("needs the extra train")
    made(options)


def test_hyphens_do_as_well() -> None:
    recipe, options = recipe_and_options("sft-lora")
    assert recipe == "sft_lora"
    assert options["lora_r"] == 16


def test_a_file_names_its_recipe_and_what_is_typed_wins(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("recipe: linear\nseed: 3\nfeatures: 500\n", encoding="utf-8")
    assert recipe_and_options(str(file), ["seed=7"]) == ("linear", {"seed": 7, "features": 500})


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("a=1", 1),
        ("a=0.5", 0.5),
        ("a=5e-5", 5e-5),
        ("a=1.0e-3", 1e-3),
        ("a=true", True),
        ("a=", ""),
        ("a=package:minilm-en", "package:minilm-en"),
        ("a=[1, 2]", [1, 2]),
        ("a='1'", "1"),
        ("a=x=y", "x=y"),
        ("a=[", "["),
    ],
)
def test_values_are_read_as_yaml(written: str, value: object) -> None:
    assert recipe_and_options("linear", [written])[1]["a"] == value


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("hed", "There is no recipe 'hed'. Did you mean head?"),
        ("fine-tune", "Did you mean finetune?"),
        ("../linear", "There is no recipe '../linear'."),
        ("nowhere.yaml", "nowhere.yaml cannot be read: No such file or directory."),
    ],
)
def test_a_wrong_name_is_told_with_the_nearest(named: str, said: str) -> None:
    with pytest.raises(BadInput) as error:
        recipe_and_options(named)
    assert said in error.value.sentence


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("seed: 1\n", "does not say which recipe it is for"),
        ("recipe: [linear\n", "is not YAML"),
        ("- recipe\n", "does not hold lines of option: value"),
        ("recipe: nothing\n", "There is no recipe 'nothing'."),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(BadInput) as error:
        recipe_and_options(str(file))
    assert said in error.value.sentence


def test_a_pair_without_a_sign_is_no_option() -> None:
    with pytest.raises(BadInput, match="'seed' is no option; write key=value, such as seed=1"):
        recipe_and_options("linear", ["seed"])
