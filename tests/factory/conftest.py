"""Models trained once on the small sample, by the public command."""

import pytest

from .commands import Trained, train


@pytest.fixture(scope="session")
def linear(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train("linear", tmp_path_factory.mktemp("linear") / "model")


@pytest.fixture(scope="session")
def head(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train("head", tmp_path_factory.mktemp("head") / "model")
