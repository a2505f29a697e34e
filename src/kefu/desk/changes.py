"""Learning that some process has written: from PostgreSQL by NOTIFY, from SQLite by its data version.

And what else the two databases want of whoever runs them: connections, and a log that is brought onto the disk.
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import close_old_connections, connection, connections

from kefu.kit.log import Log
from kefu.kit.settings import settings

_POLL_SECONDS = 0.1
_RETRY_SECONDS = 2.0
NOTIFY_CHANNEL = "kefu"

_log = Log(__name__)


def watch(on_change: Callable[[], None], stopped: threading.Event) -> None:
    """Call `on_change` soon after any process's commit, until `stopped`. Blocks: run it in a thread of its own."""
    look = _watch_postgres if settings().database_url else _watch_sqlite
    while not stopped.is_set():
        try:
            look(on_change, stopped)
        except Exception as error:  # the database restarts: whatever it raises, look again
            _log.warning("change_watch_interrupted", error=type(error).__name__)
            stopped.wait(_RETRY_SECONDS)
            on_change()


def connected(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call a desk function in a pool's thread, first dropping a connection that the server has closed."""
    if connection.vendor == "postgresql":
        close_old_connections()
    return call(*arguments, **named)


def settle() -> None:
    """Bring what was committed from SQLite's log onto the disk and into its file, beside whoever reads or writes.

    Else what a quiet site was told last would wait for the log to fill, and a power cut might lose all of it.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")


def disconnect() -> None:
    """Close this thread's connections."""
    connections.close_all()


def can_write_at_once() -> bool:
    """Whether several threads gain anything by writing at the same time. SQLite has one writer."""
    return bool(connection.vendor == "postgresql")


def _watch_sqlite(on_change: Callable[[], None], stopped: threading.Event) -> None:
    path = connection.settings_dict["NAME"]
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as own:
        seen = None
        while not stopped.wait(_POLL_SECONDS):
            (version,) = own.execute("PRAGMA data_version").fetchone()
            if version != seen:
                seen = version
                on_change()


def _watch_postgres(on_change: Callable[[], None], stopped: threading.Event) -> None:
    import psycopg

    with psycopg.connect(**_parameters(), autocommit=True) as own:
        own.execute(f"LISTEN {NOTIFY_CHANNEL}")
        on_change()
        while not stopped.is_set():
            for _ in own.notifies(timeout=1.0, stop_after=1):
                on_change()
                time.sleep(0.005)  # what else was committed in this moment is read with it


def _parameters() -> dict[str, Any]:
    given: dict[str, Any] = connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        given.pop(name, None)
    return given
