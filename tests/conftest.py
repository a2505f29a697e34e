"""For all tests: no network but this machine's, a home folder of the run's own, and the fakes of `kefu.testing`."""

import os
import tempfile
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest

pytest_plugins = ["kefu.testing.pytest_plugin"]


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes never name a test: an archive's hold the time at which they were made, and two workers would not agree."""
    return f"{len(val)}-bytes" if isinstance(val, bytes) else None


def pytest_configure(config: pytest.Config) -> None:
    """Before Django's settings are read: tests never see the state of whoever runs them."""
    if config.getoption("dist", "no") == "loadgroup":
        config.option.loadscopereorder = False  # else the largest groups come first, and with them the running server
    # What is tried is the same each time, and takes as long as the machine takes.
    hypothesis.settings.register_profile(
        "kefu", deadline=None, derandomize=True, database=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("kefu")
    os.environ["KEFU_HOME"] = tempfile.mkdtemp(prefix="kefu-tests-")
    for name in ("KEFU_SECRET_KEY", "KEFU_PUBLIC_URL", "KEFU_STORAGE"):
        os.environ.pop(name, None)
    from kefu.desk.boot import boot
    from kefu.kit.settings import settings

    settings.cache_clear()  # a worker inherits its parent's home, and may have read it by now
    boot()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Last come the tests with a running server, which would do what others have made due before they do it.

    Groups come before what remains, which the other processes share.
    """

    def begins(item: pytest.Item) -> int:
        group = item.get_closest_marker("xdist_group")
        if group is not None and group.args[0] in {"speech", "mail"}:
            return 1
        return 2 if item.path.parent.name in {"channels", "gateway"} else 0

    items.sort(key=begins)


@pytest.fixture(autouse=True)
def _forget_what_a_test_set() -> Iterator[None]:
    """Settings that a test changed and read are those of the test: the next one reads them anew."""
    from kefu.kit.errors import KefuError
    from kefu.kit.settings import settings

    before = settings()
    yield
    try:
        is_changed = settings() is not before
    except KefuError:  # the test's own environment, which nobody could start with, still stands
        is_changed = True
    if is_changed:
        settings.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _sweep_without_locking_tables() -> None:
    """Empty PostgreSQL's tables between tests row by row.

    TRUNCATE takes every table for itself, one after the other, while the server under test reads them in another order:
    each then waits for the other, and PostgreSQL ends one of them. It is also slower where tables hold a few rows.
    What the server stores meanwhile refers to rows that are gone already, or waits for them: then it is swept again.
    """
    if "KEFU_DATABASE_URL" not in os.environ:
        return
    from django.db import IntegrityError, OperationalError
    from django.db.backends.postgresql.operations import DatabaseOperations

    once = DatabaseOperations.execute_sql_flush

    def patiently(self: DatabaseOperations, statements: Any) -> None:
        for left in reversed(range(5)):
            try:
                once(self, statements)
                return
            except (IntegrityError, OperationalError):  # the latter where both wait for each other
                if not left:
                    raise

    def deletes(self: DatabaseOperations, style: Any, tables: Any, **_: Any) -> list[str]:
        return [f"DELETE FROM {self.quote_name(table)};" for table in tables]

    DatabaseOperations.sql_flush = deletes
    DatabaseOperations.execute_sql_flush = patiently
