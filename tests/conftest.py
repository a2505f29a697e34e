"""For all tests: no network but this machine's, a home folder of the run's own, and the fakes of `kefu.testing`."""

import os
import tempfile

pytest_plugins = ["kefu.testing.pytest_plugin"]


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes never name a test: an archive's hold the time at which they were made, and two workers would not agree."""
    return f"{len(val)}-bytes" if isinstance(val, bytes) else None


def pytest_configure() -> None:
    """Before Django's settings are read: tests never see the state of whoever runs them."""
    os.environ["KEFU_HOME"] = tempfile.mkdtemp(prefix="kefu-tests-")
    for name in ("KEFU_SECRET_KEY", "KEFU_PUBLIC_URL", "KEFU_STORAGE"):
        os.environ.pop(name, None)
    from kefu.desk.boot import boot

    boot()
