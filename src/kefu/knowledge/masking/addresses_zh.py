"""Chinese postal addresses, whole or in part: from the province down to the room, in the order people write them.

The text is cut into words; words that cannot be in an address (verbs, pronouns, particles) cut it into stretches; a
stretch is an address if enough of its words end as parts of one do: 省 市 区 镇, 路 街, 小区 大厦, 号 栋 单元 室.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kefu.knowledge.masking.entity import Entity
from kefu.knowledge.masking.lists import keyed
from kefu.knowledge.masking.places_zh import BLOCK, EVIDENCE, Piece, pieces

# Nothing is cut into words unless one of these stands in the text: a number with its unit, two levels of place, a flat.
_GATE = re.compile(
    r"[\dA-Za-z一二三四五六七八九十]\s?(?:[号栋幢座楼室层弄房户院组#]|单元)|\d-\d{1,2}-\d{3}|"
    r"(?:[省市区县州镇乡路街村道巷苑]|小区|花园|大厦).{0,14}?(?:[区县镇乡路街村巷弄]|街道|大道|花园|大厦|公寓)"
)
# House, entrance and flat after an estate's name: 阳光花园10-4-1964. The middle part tells it from a telephone number.
_FLAT = re.compile(r"\d{1,3}-\d{1,2}-\d{3,4}$")
# With one of these in the message, less of an address suffices.
_CUE = re.compile(r"地址|住在|住址|家住|现住|居住|寄到|寄往|送到|配送|派送|收货|改到|搬到|邮寄|位于|发到|上门|快递")
_LONGEST_NAME = 8  # characters of a road's or an estate's name before its suffix


@dataclass(slots=True)
class _Stretch:
    """Words that may be one address: the roles of all, and the units (号, 栋, 室) that count as such."""

    start: int
    end: int
    roles: list[str]
    units: list[str]

    def count(self, *roles: str) -> int:
        return sum(role in roles for role in self.roles)


def find_chinese_addresses(text: str) -> Iterator[Entity]:
    """Yield Chinese postal addresses in a plain-form text."""
    if not _GATE.search(text):
        return
    cued = _CUE.search(text) is not None
    for stretch in _joined(text, _stretches(pieces(text))):
        if _is_address(stretch, cued):
            yield Entity(stretch.start, stretch.end, "ZH_ADDRESS", text[stretch.start : stretch.end])


def _is_address(stretch: _Stretch, cued: bool) -> bool:
    """A place alone (杭州市西湖区) is none; a road with a number, a flat in a house, or three levels of place are."""
    lists = keyed("address_words_zh")
    streets = stretch.count("road", "place")
    levels = stretch.count("known", "admin", "town")
    if (stretch.units and levels >= 2) or (streets and not lists["floor"].issuperset(stretch.units)):
        return True
    if len(lists["house"].intersection(stretch.units)) >= 2:
        return True
    if levels >= 2 and (streets or stretch.count("town")):
        return levels + streets >= 3 or cued
    return cued and levels >= 1 and streets >= 1


def _stretches(all_pieces: list[Piece]) -> Iterator[_Stretch]:
    """Yield the runs between stops, cut to what is part of an address."""
    run: list[Piece] = []
    for piece in [*all_pieces, Piece(0, 0, "", "stop")]:
        if piece.role not in ("stop", "soft"):
            run.append(piece)
            continue
        body = _trimmed(run)
        if body:
            yield _Stretch(body[0].start, body[-1].end, [piece.role for piece in body], _units(body))
        run = []


def _trimmed(run: list[Piece]) -> list[Piece]:
    """Cut a run at its first known province or city, else its first name, and after its last part of an address."""
    evidence = [index for index, piece in enumerate(run) if piece.role in EVIDENCE]
    if not evidence:
        return []
    known = [index for index in evidence if run[index].role == "known"]
    start = known[0] if known else _name_start(run, evidence[0])
    while run[start].role == "weak":  # ends at the first evidence at the latest
        start += 1
    return run[start : _end(run, evidence[-1])]


def _name_start(run: list[Piece], evidence: int) -> int:
    """Return where the name in front of the first suffix begins: as many words as a name may be long."""
    start = evidence
    while start > 0 and run[start - 1].role in ("other", "number", "join", "weak"):
        if run[evidence].start - run[start - 1].start > _LONGEST_NAME:
            break
        start -= 1
    return start


def _end(run: list[Piece], last: int) -> int:
    """Return the index after the address. A number may end it without a unit: 3栋2单元501, A座1203, 壹号2-3-501."""
    numbers = [index for index, piece in enumerate(run) if piece.role == "number" and piece.word[-1:].isdigit()]
    if numbers and _FLAT.search("".join(piece.word for piece in run).rstrip()):
        return max(numbers[-1], last) + 1
    end = last + 1
    while end < len(run) and run[end].role in ("number", "join", "space"):
        end += 1
    after = [index for index in numbers if last < index < end]
    return after[-1] + 1 if after and run[last].role in ("unit", "place", "road") else last + 1


def _units(body: list[Piece]) -> list[str]:
    """Return the units that speak for an address. A 号 before which nothing of one stands is a day: 12号."""
    units: list[str] = []
    placed = False  # whether any part of an address stands before the number
    for index, piece in enumerate(body):
        placed = placed or (index > 1 and body[index - 2].role in EVIDENCE)
        if piece.role == "unit" and (placed or piece.word != "号"):
            units.append(piece.word[-1] if BLOCK.fullmatch(piece.word) else piece.word)
    flat = _FLAT.search("".join(piece.word for piece in body))
    return [*units, "室"] if flat else units


def _joined(text: str, stretches: Iterator[_Stretch]) -> Iterator[_Stretch]:
    """Join stretches that only a comma and a space part, where the second continues the first."""
    held: _Stretch | None = None
    for stretch in stretches:
        if held and text[held.end : stretch.start].strip(" ") in (",", "，") and _continues(held, stretch):
            held = _Stretch(held.start, stretch.end, held.roles + stretch.roles, held.units + stretch.units)
            continue
        if held:
            yield held
        held = stretch
    if held:
        yield held


def _continues(held: _Stretch, stretch: _Stretch) -> bool:
    """After a comma an address goes on with a smaller part: with a house or flat once it has come to a number."""
    return stretch.roles[0] != "known" and (not held.units or bool(stretch.units))
