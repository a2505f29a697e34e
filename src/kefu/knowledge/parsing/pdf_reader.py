"""Reads the lines of a PDF; runs as a process of its own, so that a hostile file can be stopped.

`python -m kefu.knowledge.parsing.pdf_reader MAX_PAGES MAX_CHARACTERS` takes the file on standard input and writes one
JSON object: {"title": ..., "images": bool, "pages": [[[text, x, y, size, is_bold], ...], ...]} or {"reason": sentence}.
Coordinates and sizes are in points; y grows upwards.
"""

import io
import json
import sys
from dataclasses import dataclass, field
from typing import Any

from pypdf import PageObject, PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError, LimitReachedError, PyPdfError

Matrix = list[float]

# Enough for pypdf with a large file; a decompression bomb ends here instead of taking the machine's memory.
_MEMORY_BYTES = 2 * 2**30
ENCRYPTED = "The PDF is encrypted; remove its password and add it again."
DAMAGED = "The PDF is damaged and no page of it could be read."


class _Refused(Exception):
    pass


def main() -> None:
    _limit_memory()
    max_pages, max_characters = int(sys.argv[1]), int(sys.argv[2])
    try:
        answer = read(sys.stdin.buffer.read(), max_pages, max_characters)
    except _Refused as error:
        answer = {"reason": str(error)}
    except (DependencyError, FileNotDecryptedError):
        answer = {"reason": ENCRYPTED}
    except (LimitReachedError, MemoryError, RecursionError):
        answer = {"reason": "The PDF unpacks to more than a PDF of its size should; it was not read."}
    except Exception:  # pypdf raises many kinds of exception for damage
        answer = {"reason": DAMAGED}
    sys.stdout.buffer.write(json.dumps(answer).encode())


def read(data: bytes, max_pages: int, max_characters: int) -> dict[str, Any]:
    reader = PdfReader(io.BytesIO(data))
    # An empty password opens a PDF that only forbids printing or copying.
    if reader.is_encrypted and not reader.decrypt(""):
        raise _Refused(ENCRYPTED)
    if len(reader.pages) > max_pages:
        raise _Refused(
            f"The PDF has {len(reader.pages):,} pages; the most is {max_pages:,}. Split it and add the parts."
        )
    pages: list[list[list[Any]]] = []
    has_images, characters = False, 0
    for page in reader.pages:
        lines = _page_lines(page)
        pages.append(lines)
        has_images = has_images or (not lines and "/XObject" in str(page.get("/Resources", "")))
        characters += sum(len(line[0]) for line in lines)
        if characters > max_characters:
            raise _Refused(f"The document has more than {max_characters:,} characters; split it and add the parts.")
    if not pages:
        raise _Refused(DAMAGED)
    return {"title": _title(reader), "images": has_images, "pages": pages}


def _page_lines(page: PageObject) -> list[list[Any]]:
    try:
        collector = _Collector()
        page.extract_text(visitor_text=collector.visit)
        collector.end()
        _add_links(page, collector.lines)
    except (PyPdfError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError):
        return []  # one bad page does not lose the others
    return [[line.text, line.x, line.y, line.size, line.is_bold] for line in collector.lines]


@dataclass
class _Line:
    """`pieces` are the x and the offset in `text` at which each piece begins."""

    x: float
    y: float
    size: float
    is_bold: bool
    text: str = ""
    pieces: list[tuple[float, int]] = field(default_factory=list)


class _Collector:
    """Joins the pieces that pypdf visits to lines; a line feed ends a line."""

    def __init__(self) -> None:
        self.lines: list[_Line] = []
        self._line: _Line | None = None

    def visit(self, text: str, matrix: Matrix, text_matrix: Matrix, font: Any, size: float) -> None:
        for at, piece in enumerate(text.split("\n")):
            if at:
                self.end()
            if not piece or (self._line is None and not piece.strip()):
                continue
            place = _place(matrix, text_matrix, font, size)
            self._line = self._line or place
            self._line.pieces.append((place.x, len(self._line.text)))
            self._line.text += piece

    def end(self) -> None:
        if self._line is not None:
            self.lines.append(self._line)
        self._line = None


def _place(matrix: Matrix, text_matrix: Matrix, font: Any, size: float) -> _Line:
    a, b, c, d, e, f = (float(number) for number in matrix)
    x, y = float(text_matrix[4]), float(text_matrix[5])
    # The length that one unit upwards in text space has on the page.
    up = (text_matrix[2] * a + text_matrix[3] * c, text_matrix[2] * b + text_matrix[3] * d)
    scale = (up[0] ** 2 + up[1] ** 2) ** 0.5
    name = str(font.get("/BaseFont", "")) if font else ""
    is_bold = any(weight in name.lower() for weight in ("bold", "black", "heavy"))
    return _Line(round(x * a + y * c + e, 1), round(x * b + y * d + f, 1), round(float(size) * scale, 1), is_bold)


def _add_links(page: PageObject, lines: list[_Line]) -> None:
    """Addresses stand behind the words that link to them, unless these spell them."""
    for entry in page.get("/Annots") or []:
        annotation = entry.get_object()
        action = annotation.get("/A")
        address = str(action.get_object().get("/URI", "")) if action is not None else ""
        if not address.startswith(("http://", "https://", "mailto:", "tel:")):
            continue
        left, bottom, right, top = (float(number) for number in annotation["/Rect"])
        shown = address.removeprefix("mailto:").removeprefix("tel:")
        line = next((line for line in lines if bottom - 1 <= line.y <= top), None)
        if line is not None and shown.split("://")[-1].rstrip("/") not in line.text:
            _insert(line, left, right, f" ({shown})")


def _insert(line: _Line, left: float, right: float, addition: str) -> None:
    """Behind the last piece that begins between `left` and `right`, else at the line's end."""
    ends = [at for _, at in line.pieces[1:]] + [len(line.text)]
    inside = [end for (x, _), end in zip(line.pieces, ends, strict=True) if left - 1 <= x < right - 1]
    at = inside[-1] if inside else len(line.text)
    line.text = line.text[:at].rstrip() + addition + line.text[at:]
    line.pieces = [(x, start if start < at else start + len(addition)) for x, start in line.pieces]


def _title(reader: PdfReader) -> str:
    try:
        return str((reader.metadata and reader.metadata.title) or "")
    except PyPdfError:
        return ""


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit; the time limit holds there too
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))


if __name__ == "__main__":
    main()
