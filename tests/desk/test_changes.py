"""What was committed is brought onto the disk beside whoever writes."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection

from kefu.desk.changes import settle

from .shops import made_shop


@pytest.mark.django_db(transaction=True)
def test_what_was_said_stands_in_the_file_itself_once_it_is_settled(tmp_path: Path) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL looks after its own log")
    shop = made_shop()
    thread = shop.start()
    shop.say(thread, "Where is my parcel?")
    settle()
    alone = tmp_path / "alone.db"
    shutil.copy(connection.settings_dict["NAME"], alone)  # without the log beside it
    with closing(sqlite3.connect(alone)) as found:
        rows = found.execute("SELECT text FROM inbox_message WHERE conversation_id = ?", [thread]).fetchall()
    assert rows == [("Where is my parcel?",)]
