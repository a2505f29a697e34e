"""Which column is the text, which the label: by the names that people give them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kefu.kit.errors import BadInput

# In the order of preference: a file that has both `intent` and `category` is labelled by `intent`.
NAMES: Mapping[str, tuple[str, ...]] = {
    "text": tuple(
        "text utterance query question sentence content message review instruction prompt"
        " 文本 内容 句子 问题 问句 评论 正文".split()
    ),
    "label": tuple("label intent category target class sentiment 标签 意图 类别 分类 情感".split()),
    "score": ("score",),
    "language": ("language", "lang", "语言"),
    "group": ("group", "group_id"),
}
# Numbers to predict under other names count only where there is no label: beside one they are usually notes.
SCORE_NAMES_WITHOUT_LABEL = ("rating", "mean_rating", "stars", "评分")


@dataclass(frozen=True)
class Choice:
    """Columns that whoever reads the file named; None is: find it."""

    text: str | None = None
    label: str | None = None
    score: str | None = None


def known(name: str) -> bool:
    """Whether a header cell is one of the names of texts and labels."""
    return _folded(name) in NAMES["text"] + NAMES["label"]


def roles(columns: Sequence[str], choice: Choice, preset: Mapping[str, str] | None = None) -> dict[str, str]:
    """The column of each role, for the roles that a file has.

    Raises BadInput where a named column is missing, one that is needed stands twice, or none looks like texts.
    """
    found = dict(preset or {})
    for role, named in (("text", choice.text), ("label", choice.label), ("score", choice.score)):
        if named is not None:
            found[role] = _named(named, columns, role)
    for role, names in NAMES.items():
        if role not in found and (column := _first(columns, names, set(found.values()))):
            found[role] = column
    if "label" not in found and "score" not in found:
        column = _first(columns, SCORE_NAMES_WITHOUT_LABEL, set(found.values()))
        if column:
            found["score"] = column
    if "text" not in found:
        found["text"] = _the_other(columns, set(found.values()))
    _refuse_twice(columns, found)
    return {role: found[role] for role in NAMES if role in found}


def _first(columns: Sequence[str], names: Sequence[str], taken: set[str]) -> str | None:
    by_name = {_folded(column): column for column in reversed(columns) if column not in taken}
    return next((by_name[name] for name in names if name in by_name), None)


def _named(name: str, columns: Sequence[str], role: str) -> str:
    for column in columns:
        if _folded(column) == _folded(name):
            return column
    raise BadInput(f"There is no column {name!r} for the {role}. Columns: {_listed(columns)}.", column=name)


def _the_other(columns: Sequence[str], taken: set[str]) -> str:
    """With one column left over, that one is the text."""
    left = [column for column in columns if column not in taken]
    if len(left) == 1 and taken:
        return left[0]
    raise BadInput(
        f"No column looks like the texts. Columns: {_listed(columns)}. "
        "Name one of them 'text', or say which one it is with --text-column."
    )


def _refuse_twice(columns: Sequence[str], found: Mapping[str, str]) -> None:
    for role, column in found.items():
        if columns.count(column) > 1:
            raise BadInput(f"Column {column!r}, the {role}, stands twice in the header: rename one.", column=column)


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(repr(column[:40]) for column in columns[:20])
    return shown + (f" and {len(columns) - 20} more" if len(columns) > 20 else "")


def _folded(name: str) -> str:
    return name.strip().casefold()
