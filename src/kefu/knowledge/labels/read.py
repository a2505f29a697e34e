"""A file of labelled texts to a dataset: kind and columns are detected, a bad row is named with its line and its fix.

Read are CSV and TSV (with a header, or two columns without), JSON lines, JSON, CLINC's JSON, Rasa's nlu.yml, chats,
ShareGPT, Alpaca, preferences and xSID's CoNLL, each in UTF-8, UTF-16 or GB18030, also gzipped; and pictures: folders,
tables of files, IDX, also as a zip.
"""

import gzip
import io
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from kefu.contracts.dataset import BadRow, Dataset, Example
from kefu.kit.errors import BadInput, TooLarge
from kefu.knowledge.labels import archive
from kefu.knowledge.labels.columns import NAMES, Choice, roles
from kefu.knowledge.labels.content import OUT_OF_SCOPE, dataset_of
from kefu.knowledge.labels.markup import parse_conll, parse_rasa
from kefu.knowledge.labels.pictures import file_column, is_idx, names_a_picture, read_folder, read_idx, read_table
from kefu.knowledge.labels.record import Parsed, Record
from kefu.knowledge.labels.records import parse_json, parse_json_lines
from kefu.knowledge.labels.tables import parse_table
from kefu.knowledge.pictures import is_picture

MOST_BYTES = 256 * 2**20  # read into memory at once; a million support messages are about 100 MB
MOST_ROWS = 1_000_000
MOST_CHARACTERS = 20_000  # encoders see the first few hundred words: a longer text is a file pasted by mistake
MOST_PICTURE = 400_000  # a picture of KEPT_SIDE pixels as base64 has some 30,000
SHOWN = 20  # bad rows that an error lists

_ENCODING_FIX = "save the file as UTF-8"
_UNDECODABLE = re.compile(r"[\ud800-\udfff]")
_JSON_BRACKET = re.compile(r"[\[{]")
_CONLL = re.compile(r"\A(?:\s*#[^\n]*\n)*#\s*(?:text|intent)\s*=", re.MULTILINE)
_RASA = re.compile(r"^nlu\s*:", re.MULTILINE)
_SPREADSHEET_OR_ARCHIVE = b"PK\x03\x04"


class BadRows(BadInput):
    """Rows that cannot be used; `rows` are all of them, the sentence lists the first."""

    code = "bad_rows"

    def __init__(self, name: str, rows: Sequence[BadRow], good: int) -> None:
        listed = "".join(f"\n  {told(row)}" for row in rows[:SHOWN])
        more = f"\n  and {len(rows) - SHOWN:,} more" if len(rows) > SHOWN else ""
        first = f"{name}: {len(rows):,} of {len(rows) + good:,} rows cannot be used."
        super().__init__(first + listed + more, count=len(rows), rows=[told(row) for row in rows[:SHOWN]])
        self.rows = tuple(rows)


def read(
    path: str | Path,
    *,
    skip_bad: bool = False,
    text_column: str | None = None,
    label_column: str | None = None,
    score_column: str | None = None,
    split: str | None = None,
    labelled: bool = True,
) -> Dataset:
    """Read a file; `split` chooses one of CLINC's (train by default). Not `labelled`: only the texts are wanted.

    Raises BadRows for rows that cannot be used, unless `skip_bad`: then they are in `Dataset.bad` and the rest is
    read. Raises BadInput for a file that cannot be read at all, TooLarge past MOST_BYTES or MOST_ROWS.
    """
    path = Path(path)
    if path.is_dir():
        return read_folder(path, skip_bad=skip_bad)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _too_large(path.name)
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", path=str(path)) from None
    unpacked, _ = _unpacked(data, path.name)
    if is_idx(unpacked):
        return read_idx(path, unpacked)
    if text_column is None and path.suffix.lower() in {".csv", ".tsv"}:
        text_column = file_column(
            data[:MOST_CHARACTERS].decode("utf-8-sig", "replace"), tabs=path.suffix.lower() == ".tsv"
        )
    choice = Choice(text_column, label_column, score_column)
    found = read_bytes(data, name=path.name, skip_bad=skip_bad, choice=choice, split=split, labelled=labelled)
    if found.examples and all(names_a_picture(each.text) for each in found.examples[:SHOWN]):
        return read_table(found.examples, path.parent, skip_bad=skip_bad)
    return found


def read_bytes(
    data: bytes,
    *,
    name: str,
    skip_bad: bool = False,
    choice: Choice = Choice(),  # noqa: B008  frozen
    split: str | None = None,
    labelled: bool = True,
) -> Dataset:
    """`read` for what was uploaded under a name."""
    if len(data) > MOST_BYTES:
        raise _too_large(name)
    data, name = _unpacked(data, name)
    if name.lower().endswith(".zip"):
        return archive.read_zip(data, name=name, skip_bad=skip_bad)
    if is_idx(data):
        raise BadInput(f"{name} is an IDX file: its labels lie in another one. Pack both into a zip.", name=name)
    try:
        parsed = _parse(_text(data), name.lower(), choice, split)
        mapping = roles(parsed.columns, choice, parsed.roles) if parsed.records else {}
        if not labelled:
            mapping = {role: column for role, column in mapping.items() if role not in {"label", "score"}}
    except BadInput as error:
        error.sentence = f"{name}: {error.sentence}"
        error.args = (error.sentence,)
        raise
    return _dataset(parsed, mapping, name, skip_bad)


def told(bad: BadRow) -> str:
    """A bad row in one line: `line 3, column label: the label is missing; write one`."""
    where = f"line {bad.row:,}" + (f", column {bad.column}" if bad.column else "")
    return f"{where}: {bad.problem}; {bad.fix}"


def _dataset(parsed: Parsed, mapping: Mapping[str, str], name: str, skip_bad: bool) -> Dataset:
    if len(parsed.records) > MOST_ROWS:
        raise TooLarge(f"{name} has {len(parsed.records):,} rows; the most is {MOST_ROWS:,}. Split it.", name=name)
    examples: list[Example] = []
    bad = list(parsed.bad)
    for record in parsed.records:
        made = _example(record, mapping)
        if isinstance(made, Example):
            examples.append(made)
        else:
            bad.append(made)
    bad.sort(key=lambda each: each.row)
    if bad and (not skip_bad or not examples):
        raise BadRows(name, bad, len(examples))
    if not examples:
        raise BadInput(f"{name} has no rows: expected a line for each example, such as text,label.", name=name)
    return dataset_of(examples, mapping=mapping, format=parsed.format, bad=bad)


def _example(record: Record, mapping: Mapping[str, str]) -> Example | BadRow:
    if damaged := _damaged(record):
        return damaged
    given = {role: record.cells.get(column) or "" for role, column in mapping.items()}
    text, label = given["text"], given.get("label", "").strip()
    if not text.strip():
        return BadRow(record.row, mapping["text"], "the text is empty", "write one, or delete the row")
    if len(text) > (MOST_PICTURE if is_picture(text) else MOST_CHARACTERS):
        problem = f"the text has {len(text):,} characters; the most is {MOST_CHARACTERS:,}"
        return BadRow(record.row, mapping["text"], problem, "cut it, or delete the row")
    if "label" in mapping and not label:
        fix = f"write one ({OUT_OF_SCOPE[0]} for texts of no label), or delete the row"
        return BadRow(record.row, mapping["label"], "the label is missing", fix)
    score = _number(given["score"]) if "score" in mapping else None
    if "score" in mapping and score is None and ("label" not in mapping or given["score"].strip()):
        problem = f"a number is expected, found {given['score'][:40]!r}"
        return BadRow(record.row, mapping["score"], problem, "write a number such as -0.5")
    used = set(mapping.values())
    return Example(
        text=text,
        label=None if not label or label.casefold() in OUT_OF_SCOPE else label,
        row=record.row,
        language=given.get("language", "").strip().lower() or None,
        group=given.get("group", "").strip() or None,
        score=score,
        extra={name: value for name, value in record.cells.items() if value and name not in used},
    )


def _damaged(record: Record) -> BadRow | None:
    for column, value in record.cells.items():
        if value and "\x00" in value:
            return BadRow(record.row, column, "a NUL character", "delete it")
        if value and _UNDECODABLE.search(value):
            return BadRow(record.row, column, "bytes that are not UTF-8", _ENCODING_FIX)
    return None


def _number(written: str) -> float | None:
    try:
        number = float(written)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


# which kind of file


def _parse(text: str, name: str, choice: Choice, split: str | None) -> Parsed:
    if not text.strip():
        raise BadInput("the file is empty.")
    if name.endswith((".yml", ".yaml")) or (not name.endswith((".csv", ".tsv")) and _RASA.search(text[:2000])):
        return parse_rasa(text)
    if name.endswith((".conll", ".conllu")) or _CONLL.match(text[:2000]):
        return parse_conll(text)
    if name.endswith((".jsonl", ".ndjson")):
        return parse_json_lines(text)
    if name.endswith(".json") or (not name.endswith((".csv", ".tsv")) and _JSON_BRACKET.match(text.lstrip())):
        return parse_json_lines(text) if _is_lines(text) else parse_json(text, split)
    return parse_table(text, tabs=name.endswith(".tsv"), choice=choice)


def _is_lines(text: str) -> bool:
    """Whether a JSON file is one object a line, whatever it is called: the first line is an object by itself."""
    import json

    first, _, rest = text.strip().partition("\n")
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        return False
    # A minified document of CLINC's is one line, too: its values are lists.
    known = {name for names in NAMES.values() for name in names} | {
        "messages",
        "conversations",
        "instruction",
        "chosen",
    }
    return isinstance(value, dict) and (bool(rest.strip()) or bool(known & set(value)))


def _text(data: bytes) -> str:
    """The characters. In a file that is nearly UTF-8, bytes that do not fit become lone surrogates: bad rows later."""
    from kefu.knowledge.parsing.characters import decode
    from kefu.knowledge.parsing.document import Unreadable

    try:
        return decode(data)
    except Unreadable as error:
        if data[:4096].count(0) > len(data[:4096]) // 5 or data.startswith(_SPREADSHEET_OR_ARCHIVE):
            raise BadInput("the file is not text; save it as CSV or JSON lines in UTF-8.") from error
    text = data.decode("utf-8-sig", errors="surrogateescape")
    if len(_UNDECODABLE.findall(text)) > len(text) // 5:
        raise BadInput("the file is not text in UTF-8, UTF-16 or GB18030; save it as UTF-8.")
    return text


def _unpacked(data: bytes, name: str) -> tuple[bytes, str]:
    """A gzipped file's content and name, never more than MOST_BYTES of it."""
    if not data.startswith(b"\x1f\x8b"):
        return data, name
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, ValueError) as error:
        raise BadInput(f"{name} is a damaged gzip file: {error}.", name=name) from None
    if len(content) > MOST_BYTES:
        raise _too_large(name)
    return content, name.removesuffix(".gz")


def _too_large(name: str) -> TooLarge:
    return TooLarge(f"{name} has more than {MOST_BYTES // 2**20} MB; split it and read the parts.", name=name)
