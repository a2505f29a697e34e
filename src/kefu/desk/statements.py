"""Rows by statements written once, for the way of a message.

Building a query costs the ORM ten times what the database needs to run it, and one message takes some twenty. Here the
SQL of a table is put together once and values go through the same field conversions as the ORM's.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from django.db import connections, models
from django.db.utils import DEFAULT_DB_ALIAS

Row = TypeVar("Row", bound=models.Model)


def insert(row: models.Model) -> None:
    """Store a new row. Its id must be set, unless the database numbers the table."""
    connection = _connection()
    sql, fields, numbered = _insert_sql(type(row), connection.vendor)  # type: ignore[arg-type]
    values = [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        if numbered:
            row.pk = cursor.fetchone()[0]
    row._state.adding = False
    row._state.db = connection.alias


def update(row: models.Model, names: Sequence[str]) -> int:
    """Store the named fields of a row that is there; gives 1, or 0 if it is gone."""
    connection = _connection()
    sql, fields = _update_sql(type(row), tuple(names))  # type: ignore[arg-type]
    values = [field.get_db_prep_save(field.pre_save(row, False), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, row.pk, row.workspace_id])  # type: ignore[attr-defined]
        return int(cursor.rowcount)


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
    with connection.cursor() as cursor:
        cursor.execute(sql, _adapted(values, connection))
        return cursor.fetchall() if cursor.description else []


def marks(values: Sequence[Any]) -> str:
    """As many parameters as there are values: `%s, %s`."""
    return ", ".join(["%s"] * len(values))


def _select(model: type[Row], where: str, values: list[Any], *, lock: bool) -> list[Row]:
    connection = _connection()
    columns, names, converters = _reading(model, connection.vendor)  # type: ignore[arg-type]
    held = " FOR UPDATE" if lock and connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM {model._meta.db_table} WHERE {where}{held}",  # noqa: S608 - no value is in it
            _adapted(values, connection),
        )
        found = cursor.fetchall()
    return [model.from_db(connection.alias, names, _converted(raw, converters, connection)) for raw in found]


@cache
def _insert_sql(model: Any, vendor: str) -> tuple[str, list[Any], bool]:
    numbered = isinstance(model._meta.pk, models.AutoField)
    fields = [field for field in model._meta.concrete_fields if not (numbered and field.primary_key)]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    returning = f' RETURNING "{model._meta.pk.column}"' if numbered else ""  # SQLite has it since 3.35
    return (
        f"INSERT INTO {model._meta.db_table} ({columns}) VALUES ({marks(fields)}){returning}",  # noqa: S608
        fields,
        numbered,
    )


@cache
def _update_sql(model: Any, names: tuple[str, ...]) -> tuple[str, list[Any]]:
    fields = [model._meta.get_field(name) for name in names]
    setting = ", ".join(f'"{field.column}" = %s' for field in fields)
    return f"UPDATE {model._meta.db_table} SET {setting} WHERE id = %s AND workspace_id = %s", fields  # noqa: S608


@cache
def _reading(model: Any, vendor: str) -> tuple[str, list[str], list[tuple[int, Any, list[Any]]]]:
    connection = _connection()
    table = model._meta.db_table
    fields = model._meta.concrete_fields
    converters = []
    for place, field in enumerate(fields):
        column = field.get_col(table)
        steps = [*connection.ops.get_db_converters(column), *field.get_db_converters(connection)]
        if steps:
            converters.append((place, column, steps))
    columns = ", ".join(f'{table}."{field.column}"' for field in fields)
    return columns, [field.attname for field in fields], converters


def _converted(raw: Sequence[Any], converters: list[tuple[int, Any, list[Any]]], connection: Any) -> list[Any]:
    values = list(raw)
    for place, column, steps in converters:
        for step in steps:
            values[place] = step(values[place], column, connection)
    return values


def _adapted(values: Sequence[Any], connection: Any) -> list[Any]:
    adapt = connection.ops.adapt_datetimefield_value
    return [adapt(value) if isinstance(value, datetime) else value for value in values]


def _connection() -> Any:
    # The wrapper itself: each attribute of Django's proxy is looked up through a context variable.
    return connections[DEFAULT_DB_ALIAS]
