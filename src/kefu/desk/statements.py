"""Rows by statements written once, for the way of a message.

Building a query costs the ORM ten times what the database needs to run it, and one message takes some twenty. Here the
SQL of a table is put together once. Values go through the same conversions as the ORM's; on SQLite those that change
nothing are left out, and statements go to the connection itself, whose cursors' wrappers cost more than SQLite does.
"""

import asyncio
import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, TypeVar

from django.db import connections, models
from django.db.models.base import ModelState
from django.db.utils import DEFAULT_DB_ALIAS
from pydantic_core import from_json, to_json

Row = TypeVar("Row", bound=models.Model)

# What SQLite stores as it is, by the field's type; a time is text without its zone, which is always UTC, and JSON text.
_NATIVE: dict[str, type] = {
    "BinaryField": bytes,
    "BooleanField": bool,
    "CharField": str,
    "DateTimeField": datetime,
    "FloatField": float,
    "ForeignKey": str,
    "JSONField": dict,
    "PositiveIntegerField": int,
    "PositiveSmallIntegerField": int,
    "TextField": str,
}
_WRITTEN = (datetime, dict)
_here = threading.local()


def new(model: type[Row], **given: Any) -> Row:
    """A row that is not stored yet, its other columns at their defaults; `given` by the columns' names, ids with `_id`.

    As the model's constructor makes it, without a call for each field.
    """
    row: Row = object.__new__(model)
    row._state = ModelState()
    held = row.__dict__
    for name, value, make in _defaults(model):  # type: ignore[arg-type]
        held[name] = value if make is None or name in given else make()
    unknown = given.keys() - held.keys()
    if unknown:
        raise TypeError(f"{model.__name__} has no column {', '.join(sorted(unknown))}.")
    held.update(given)
    return row


def insert(row: models.Model) -> None:
    """Store a new row. Its id must be set, unless the database numbers the table."""
    connection = _connection()
    sql, columns, numbered = _insert_sql(type(row), connection.vendor)  # type: ignore[arg-type]
    rows = _run(connection, sql, _stored(row, columns, connection))
    if numbered:
        row.pk = rows[0][0]
    row._state.adding = False
    row._state.db = connection.alias


def insert_many(rows: Sequence[models.Model]) -> None:
    """Store new rows of one table. Those that the database numbers do not learn their numbers."""
    if not rows:
        return
    connection = _connection()
    sql, columns, numbered = _insert_sql(type(rows[0]), connection.vendor)  # type: ignore[arg-type]
    sql = sql.partition(" RETURNING ")[0] if numbered else sql
    with connection.cursor() as cursor:
        cursor.executemany(sql, [_stored(row, columns, connection) for row in rows])


def update(row: models.Model, names: Sequence[str]) -> int:
    """Store the named fields of a row that is there; gives 1, or 0 if it is gone."""
    connection = _connection()
    sql, columns = _update_sql(type(row), tuple(names), connection.vendor)  # type: ignore[arg-type]
    values = [*_stored(row, columns, connection), row.pk, row.workspace_id]  # type: ignore[attr-defined]
    found = len(_run(connection, sql, values))
    if "_read" in row.__dict__:
        row.__dict__["_read"].update({column.name: row.__dict__[column.name] for column in columns})
    return found


def changed(row: models.Model, names: Sequence[str]) -> list[str]:
    """Which of the named fields differ from what `select` read; all of them for a row from elsewhere."""
    held, read = row.__dict__, row.__dict__.get("_read")
    return list(names) if read is None else [name for name in names if held[name] != read[name]]


def select(model: type[Row], workspace_id: str, where: str, values: Iterable[Any], *, lock: bool = False) -> list[Row]:
    """Rows of one workspace. `where` is SQL over the model's columns; every value is a parameter (`%s`)."""
    return _select(model, f"workspace_id = %s AND ({where})", [workspace_id, *values], lock=lock)


def select_across_workspaces(
    model: type[Row], reason: str, where: str, values: Iterable[Any], *, lock: bool = False
) -> list[Row]:
    """Rows of every workspace, for work that belongs to none; `reason` is for the reader."""
    if not reason:
        raise ValueError("Say why a statement crosses workspaces.")
    return _select(model, where, list(values), lock=lock)


def execute(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run a statement; gives its rows, if it has any. Datetimes among the values are adapted."""
    connection = _connection()
    return _run(connection, sql, _adapted(values, connection))


def marks(values: Sequence[Any]) -> str:
    """As many parameters as there are values: `%s, %s`."""
    return ", ".join(["%s"] * len(values))


def _select(model: type[Row], where: str, values: list[Any], *, lock: bool) -> list[Row]:
    connection = _connection()
    columns, names, converters = _reading(model, connection.vendor)  # type: ignore[arg-type]
    held = " FOR UPDATE" if lock and connection.vendor == "postgresql" else ""
    sql = f"SELECT {columns} FROM {model._meta.db_table} WHERE {where}{held}"  # noqa: S608 - no value is in it
    found = _run(connection, sql, _adapted(values, connection))
    return [_made(model, connection, names, _converted(raw, converters, connection)) for raw in found]


def _made(model: type[Row], connection: Any, names: list[str], values: list[Any]) -> Row:
    """A row as `Model.from_db` makes it, without a call for each field: nothing listens for a row being made."""
    row: Row = object.__new__(model)
    row._state = ModelState()
    row._state.adding = False
    row._state.db = connection.alias
    read = dict(zip(names, values, strict=True))
    row.__dict__.update(read, _read=read)
    return row


def _run(connection: Any, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run a statement; gives its rows, if it has any."""
    if connection.vendor == "sqlite" and not connection.execute_wrappers and not connection.force_debug_cursor:
        if connection.connection is None:
            connection.ensure_connection()
        connection.validate_no_broken_transaction()
        try:
            found: list[tuple[Any, ...]] = connection.connection.execute(_with_question_marks(sql), values).fetchall()
            return found
        except connection.Database.Error:
            with connection.wrap_database_errors:  # as Django's own errors; entered only where there is one
                raise
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


@lru_cache(maxsize=1024)
def _with_question_marks(sql: str) -> str:
    """A statement with SQLite's own parameters, as Django's cursor would write it."""
    return sql.replace("%s", "?").replace("%%", "%")


@dataclass(frozen=True, slots=True)
class _Column:
    """A field, its name, and the type of values that are stored as they are (None: ask the field)."""

    name: str
    field: Any
    native: type | None


def _stored(row: models.Model, columns: list[_Column], connection: Any) -> list[Any]:
    """The values of a row's columns as the database takes them."""
    held = row.__dict__
    values = []
    for column in columns:
        value = held.get(column.name, column)
        if value is None or (type(value) is column.native and column.native not in _WRITTEN):
            values.append(value)
        elif column.native is datetime and isinstance(value, datetime) and value.tzinfo is UTC:
            values.append(str(value.replace(tzinfo=None)))
        elif column.native is dict:
            values.append(_as_json(value))
        else:
            value = column.field.pre_save(row, row._state.adding)
            values.append(column.field.get_db_prep_save(value, connection))
    return values


def _columns(fields: Iterable[Any], vendor: str) -> list[_Column]:
    return [_Column(field.attname, field, _native(field) if vendor == "sqlite" else None) for field in fields]


def _native(field: Any) -> type | None:
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return None
    if getattr(field, "encoder", None) or getattr(field, "decoder", None):
        return None
    return _NATIVE.get(field.get_internal_type())


@cache
def _defaults(model: Any) -> list[tuple[str, Any, Any]]:
    """Each column with its default: a value, or what makes one."""
    return [
        (field.attname, None, field.default)
        if field.has_default() and callable(field.default)
        else (field.attname, field.get_default(), None)
        for field in model._meta.concrete_fields
    ]


@cache
def _insert_sql(model: Any, vendor: str) -> tuple[str, list[_Column], bool]:
    numbered = isinstance(model._meta.pk, models.AutoField)
    fields = [field for field in model._meta.concrete_fields if not (numbered and field.primary_key)]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    returning = f' RETURNING "{model._meta.pk.column}"' if numbered else ""  # SQLite has it since 3.35
    sql = f"INSERT INTO {model._meta.db_table} ({columns}) VALUES ({marks(fields)}){returning}"  # noqa: S608
    return sql, _columns(fields, vendor), numbered


@cache
def _update_sql(model: Any, names: tuple[str, ...], vendor: str) -> tuple[str, list[_Column]]:
    fields = [model._meta.get_field(name) for name in names]
    setting = ", ".join(f'"{field.column}" = %s' for field in fields)
    sql = f"UPDATE {model._meta.db_table} SET {setting} WHERE id = %s AND workspace_id = %s RETURNING id"  # noqa: S608
    return sql, _columns(fields, vendor)


@cache
def _reading(model: Any, vendor: str) -> tuple[str, list[str], list[tuple[int, Any, list[Any]]]]:
    connection = _connection()
    table = model._meta.db_table
    fields = model._meta.concrete_fields
    converters = []
    for place, field in enumerate(fields):
        column = field.get_col(table)
        steps = [*connection.ops.get_db_converters(column), *field.get_db_converters(connection)]
        if vendor == "sqlite" and field.get_internal_type() == "DateTimeField":
            steps = [_in_utc]
        elif vendor == "sqlite" and _native(field) is dict:
            steps = [_read_json]
        if steps:
            converters.append((place, column, steps))
    columns = ", ".join(f'{table}."{field.column}"' for field in fields)
    return columns, [field.attname for field in fields], converters


def _in_utc(value: datetime | None, column: Any, connection: Any) -> datetime | None:
    return value.replace(tzinfo=UTC) if value is not None else None


def _as_json(value: Any) -> str:
    """A value as JSON, in a fifth of the time that the standard library takes."""
    try:
        return to_json(value).decode()
    except ValueError:  # half of a character, which Python writes as it came
        return json.dumps(value)


def _read_json(value: str, column: Any, connection: Any) -> Any:
    try:
        return from_json(value)
    except ValueError:
        return json.loads(value)


def _converted(raw: Sequence[Any], converters: list[tuple[int, Any, list[Any]]], connection: Any) -> list[Any]:
    values = list(raw)
    for place, column, steps in converters:
        if values[place] is not None:  # no step makes anything of nothing
            for step in steps:
                values[place] = step(values[place], column, connection)
    return values


def _adapted(values: Sequence[Any], connection: Any) -> list[Any]:
    adapt = connection.ops.adapt_datetimefield_value
    return [adapt(value) if isinstance(value, datetime) else value for value in values]


def _connection() -> Any:
    # Django's proxy looks up each attribute, and its handler each connection, through a context variable. A thread in
    # which no event loop runs has one connection for good; where one does, Django refuses to block it.
    if asyncio._get_running_loop() is not None:
        return connections[DEFAULT_DB_ALIAS]
    try:
        return _here.connection
    except AttributeError:
        _here.connection = connections[DEFAULT_DB_ALIAS]
        return _here.connection
