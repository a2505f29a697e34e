"""Which runner works on runs is a setting, and `kefu doctor` says which."""

import importlib.util
from collections.abc import Iterator

import pytest

from kefu.cli.installation import _runs
from kefu.desk.modelhub import work
from kefu.jobs.embedded import EmbeddedRunner
from kefu.jobs.ray_cluster import RayRunner
from kefu.jobs.runner import Runner
from kefu.kit import settings


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    work.runner.cache_clear()
    yield
    work.runner.cache_clear()
    settings.reload()


def test_runs_work_on_this_machine() -> None:
    assert type(work.runner()) is EmbeddedRunner
    assert (_runs().is_well, _runs().says) == (True, "on this machine, 1 at a time")


def test_runs_work_on_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEFU_RUNNER", "ray")
    monkeypatch.setenv("KEFU_RAY_ADDRESS", "10.0.0.1:6379")
    settings.reload()
    assert isinstance(work.runner(), RayRunner)
    assert isinstance(work.runner(), Runner)
    found = _runs()
    if importlib.util.find_spec("ray") is None:
        assert (found.is_well, found.mend) == (False, "pip install 'kefu[ray]'")
    else:
        assert found.says == "on the Ray cluster at 10.0.0.1:6379, 1 at a time"
