"""Searching what was said: an index of every two and three characters in a row, which works for any language.

Texts are compared without regard to case: on SQLite that of ASCII, on PostgreSQL that of the database's locale.
On SQLite the index is an FTS5 table that triggers keep within the writer's transaction; on PostgreSQL a GIN index over
an SQL function, which needs no extension and no right beyond making tables. Either only proposes messages: each is
compared.
"""

from typing import Any

from django.db import connection as default_connection
from django.db import transaction

from kefu.desk.inbox import filters
from kefu.desk.inbox.filters import Chosen
from kefu.desk.statements import execute, marks

# Conversations that are read before the index is asked. Words that are common are found here, so what is left for the
# index is rare; and a single character, which no index helps with, is looked for here alone.
NEWEST = 1000
_AT_ONCE = 250  # of them: reading goes on only while too little was found

# One more character than a text has, so that its last two begin a triple as well.
_FORGET = "INSERT INTO inbox_said(inbox_said, rowid, text) VALUES ('delete', old.rowid, lower(old.text) || char(1)); "
_LEARN = "INSERT INTO inbox_said(rowid, text) VALUES (new.rowid, lower(new.text) || char(1)); "
_TRIGGERS = {
    "inbox_said_new": f"AFTER INSERT ON inbox_message BEGIN {_LEARN} END",
    "inbox_said_gone": f"AFTER DELETE ON inbox_message BEGIN {_FORGET} END",
    "inbox_said_changed": (
        f"AFTER UPDATE OF text ON inbox_message WHEN old.text IS NOT new.text BEGIN {_FORGET}{_LEARN} END"
    ),
}
_SQLITE = (
    "DROP TABLE IF EXISTS inbox_said_terms",
    "DROP TABLE IF EXISTS inbox_said",
    # Which messages hold a triple, not where: half as large, and what is found is compared anyway. The text itself
    # stays in its table alone.
    "CREATE VIRTUAL TABLE inbox_said USING fts5(text, content='', detail=none, columnsize=0, "
    "tokenize='trigram case_sensitive 1')",
    "CREATE VIRTUAL TABLE inbox_said_terms USING fts5vocab(inbox_said, instance)",
    "INSERT INTO inbox_said(rowid, text) SELECT rowid, lower(text) || char(1) FROM inbox_message",
    *(f"DROP TRIGGER IF EXISTS {name}" for name in _TRIGGERS),
    *(f"CREATE TRIGGER {name} {body}" for name, body in _TRIGGERS.items()),
)
_POSTGRESQL = (
    """
    CREATE OR REPLACE FUNCTION inbox_grams(said text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT COALESCE(array_agg(gram), '{}') FROM (
            SELECT unnest(ARRAY[one || lead(one) OVER later, one || lead(one) OVER later || lead(one, 2) OVER later])
            FROM unnest(string_to_array(upper(said), NULL)) WITH ORDINALITY AS each(one, place)
            WINDOW later AS (ORDER BY place)
        ) AS grams(gram) WHERE gram IS NOT NULL
    $$
    """,
    "CREATE INDEX IF NOT EXISTS message_grams ON inbox_message USING gin (inbox_grams(text))",
)

# CROSS JOIN tells SQLite where to begin. A pair is looked for as the beginning of triples.
_BY_TRIPLES = "(SELECT rowid AS place FROM inbox_said WHERE inbox_said MATCH %s)"
_BY_PAIR = "(SELECT DISTINCT doc AS place FROM inbox_said_terms WHERE term >= %s AND term < %s)"
_IN_SQLITE = """
    SELECT DISTINCT thread.last_activity_at, thread.id FROM {hits} AS hit
    CROSS JOIN inbox_message AS said ON said.rowid = hit.place
    CROSS JOIN inbox_conversation AS thread ON thread.id = said.conversation_id
    WHERE {same} AND {where} ORDER BY 1 DESC, 2 DESC LIMIT %s
"""
_IN_POSTGRESQL = """
    WITH hit AS MATERIALIZED (
        SELECT DISTINCT said.conversation_id FROM inbox_message AS said
        WHERE inbox_grams(said.text) @> ARRAY[{grams}] AND {same}
    )
    SELECT thread.last_activity_at, thread.id
    FROM hit JOIN inbox_conversation AS thread ON thread.id = hit.conversation_id
    WHERE {where} ORDER BY 1 DESC, 2 DESC LIMIT %s
"""
_SAME = {
    "sqlite": "instr(lower(said.text), lower(%s)) > 0",
    "postgresql": "strpos(upper(said.text), upper(%s)) > 0",
}
_LAST_CHARACTER = "\U0010ffff"


def lay(connection: Any = default_connection) -> None:
    """Make the index of a database that has none, or whose table of messages was made anew without its triggers."""
    if connection.vendor == "sqlite" and _is_kept(connection):
        return
    statements = _SQLITE if connection.vendor == "sqlite" else _POSTGRESQL
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def said_in(among: Chosen, text: str, *, limit: int) -> list[str]:
    """Ids of the chosen conversations in which the text was said, newest activity first.

    A text of one character is looked for in the newest conversations alone.
    """
    newest = filters.newest(among, NEWEST)
    hits: list[str] = []
    for place in range(0, len(newest), _AT_ONCE):
        hits += _among(newest[place : place + _AT_ONCE], text)
        if len(hits) >= limit:
            break
    if len(hits) >= limit or len(newest) < NEWEST or len(text) < 2:
        return hits[:limit]
    return _by_index(among.where, [*among.values], text, limit)


def _is_kept(connection: Any) -> bool:
    names = list(_TRIGGERS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger' AND name IN ({marks(names)})",  # noqa: S608
            names,
        )
        return bool(cursor.fetchone()[0] == len(names))


def _among(ids: list[str], text: str) -> list[str]:
    """Those of the conversations in which the text was said, in their order."""
    if not ids:
        return []
    same = _SAME[default_connection.vendor]
    sql = (
        f"SELECT DISTINCT conversation_id FROM inbox_message AS said WHERE conversation_id IN ({marks(ids)}) AND {same}"  # noqa: S608
    )
    having = {row[0] for row in execute(sql, [*ids, text])}
    return [each for each in ids if each in having]


def _by_index(where: str, values: list[Any], text: str, limit: int) -> list[str]:
    vendor = default_connection.vendor
    if vendor == "sqlite":
        hits, asked = _asked_of_sqlite(text)
        sql, given = _IN_SQLITE.format(hits=hits, same=_SAME[vendor], where=where), [*asked, text, *values, limit]
    else:
        grams = _grams(execute("SELECT upper(%s)", [text])[0][0])
        sql = _IN_POSTGRESQL.format(grams=marks(grams), same=_SAME[vendor], where=where)
        given = [*grams, text, *values, limit]
    return [row[1] for row in execute(sql, given)]


def _asked_of_sqlite(text: str) -> tuple[str, list[str]]:
    """Where messages that may hold the text are proposed, and the parameters of that."""
    lower = "".join(each.lower() if each.isascii() else each for each in text)  # as SQLite's lower()
    if len(lower) == 2:
        return _BY_PAIR, [lower, lower + _LAST_CHARACTER]
    quoted = ('"{}"'.format(gram.replace('"', '""')) for gram in _grams(lower))
    return _BY_TRIPLES, [" AND ".join(quoted)]


def _grams(text: str) -> list[str]:
    """Each three characters in a row once; the two, if there are no more."""
    return sorted({text[place : place + 3] for place in range(max(1, len(text) - 2))})
