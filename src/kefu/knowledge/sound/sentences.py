"""Text cut where a speaker breathes: at the ends of sentences, and inside long ones at their clauses."""

import re

_END = re.compile(r"(?<=[。！？!?…；])|(?<=[.!?…])(?=\s)|\n")
# Neither a time (9:30) nor a number (1,000) is cut in two.
_CLAUSE = re.compile(r"(?<=[，、；;])|(?<=[,:：])(?!\d)")
# Past this the voices run out of their context, and the first sound comes late.
_LONGEST = {"en": 220, "zh": 60}
# The first piece is what the customer waits for.
_FIRST = {"en": 120, "zh": 30}
# The Mandarin voice takes as long to make a sound as to say it, so that a whole sentence before the first sound is too
# much; the English one is quick. A clause of a few characters has something to say by itself.
_FIRST_CLAUSE, _SHORTEST_CLAUSE = 10, 3
_SAYS_SOMETHING = re.compile(r"\w")


def sentences(text: str, language: str) -> list[str]:
    """Pieces in order, none without a letter or digit; joined without blanks they hold every word of `text`."""
    script = "zh" if language.startswith("zh") else "en"
    pieces: list[str] = []
    for sentence in _END.split(text):
        most = _LONGEST[script] if pieces else _FIRST[script]
        pieces.extend(_cut(sentence.strip(), most))
    return [piece for piece in pieces if _SAYS_SOMETHING.search(piece)]


def first_clause(sentence: str, language: str) -> list[str]:
    """A sentence whose beginning somebody waits for: in two where its first clause can be said by itself."""
    if not language.startswith("zh") or len(sentence) <= _FIRST_CLAUSE:
        return [sentence]
    head = next((found.end() for found in _CLAUSE.finditer(sentence) if found.end() > _SHORTEST_CLAUSE), 0)
    tail = sentence[head:].strip()
    return [sentence[:head].strip(), tail] if head and _SAYS_SOMETHING.search(tail) else [sentence]


def ends_sentence(piece: str) -> bool:
    """Whether a speaker stops behind this piece, and does not only breathe."""
    return not _CLAUSE.search(piece.rstrip()[-1:])


def _cut(sentence: str, most: int) -> list[str]:
    if len(sentence) <= most:
        return [sentence]
    pieces, current = [], ""
    for clause in _CLAUSE.split(sentence):
        if current and len(current) + len(clause) > most:
            pieces.append(current.strip())
            current = ""
        current += clause
    return [each for piece in [*pieces, current.strip()] for each in _by_words(piece, 2 * most)]


def _by_words(piece: str, most: int) -> list[str]:
    """A piece without any mark to cut at: at a blank, else anywhere."""
    cut = []
    while len(piece) > most:
        at = piece.rfind(" ", most // 2, most)
        at = at if at > 0 else most
        cut.append(piece[:at].strip())
        piece = piece[at:].strip()
    return [*cut, piece]
