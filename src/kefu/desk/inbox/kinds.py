"""What a file is, told from its bytes: the kinds that conversations take, and how each is handed out."""

import re
import unicodedata
import zipfile
from io import BytesIO
from typing import Literal
from urllib.parse import quote

from kefu.kit.errors import BadInput
from kefu.knowledge.sound_kinds import may_show_pictures, sound_kind

Kind = Literal["image", "audio", "file"]

_NAME_LIMIT = 120  # characters; with room in the column for a suffix that fits and for placeholders
# Each with the suffixes that a file of this type may keep; another one gets the first added, so that a script that is
# sent as text, or a program as an image, is not run by who opens it.
_SUFFIXES = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg", ".jfif"),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "application/pdf": (".pdf",),
    "text/plain": (".txt", ".csv", ".tsv", ".md", ".log", ".json"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (".docx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (".xlsx",),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": (".pptx",),
    "application/vnd.oasis.opendocument.text": (".odt",),
    "application/vnd.oasis.opendocument.spreadsheet": (".ods",),
    "application/vnd.oasis.opendocument.presentation": (".odp",),
    "application/msword": (".doc",),
    "application/vnd.ms-excel": (".xls",),
    "application/vnd.ms-powerpoint": (".ppt",),
    "audio/mpeg": (".mp3",),
    "audio/wav": (".wav",),
    "audio/ogg": (".ogg", ".oga", ".opus"),
    "audio/flac": (".flac",),
    "audio/mp4": (".m4a",),
    "audio/aac": (".aac",),
    "audio/amr": (".amr",),
    "audio/webm": (".webm", ".weba"),
}
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
_OFFICE = {
    "word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
# Streams' names in the directory of an OLE file (MS-CFB), which hold the documents of Office before 2007.
_OLD_OFFICE = {
    "WordDocument": "application/msword",
    "Workbook": "application/vnd.ms-excel",
    "Book": "application/vnd.ms-excel",
    "PowerPoint Document": "application/vnd.ms-powerpoint",
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")  # no text file has these
# Not in a name: control and direction marks ("exe.jpg" written backwards), and what file systems keep for themselves.
_UNFIT = re.compile('[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff<>:"/\\\\|?*]')


def sniffed(data: bytes) -> str:
    """The media type of a file, from its bytes alone. Raises BadInput for a kind that conversations do not take."""
    found = _by_magic(data) or _webp(data) or _sound(data) or _zipped(data) or _old_office(data) or _text(data)
    if found is None:
        raise BadInput(
            "Files of this kind cannot be sent: images, PDF, text, office documents and audio can.",
            field="file",
            reason="kind",
        )
    return found


def kind_of(media_type: str) -> Kind:
    """How a file is shown: as an image, to be heard, or by its name."""
    family = media_type.partition("/")[0]
    return "image" if family == "image" else "audio" if family == "audio" else "file"


def fit_name(name: str, media_type: str) -> str:
    """A file's name without path and odd characters, short, with a suffix that fits what it is."""
    plain = _UNFIT.sub("", unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])).lstrip().rstrip(" .")
    stem, dot, suffix = plain.rpartition(".")
    suffixes = _SUFFIXES[media_type]
    if dot and f".{suffix.lower()}" in suffixes:
        return f"{(stem.strip() or 'file')[:_NAME_LIMIT]}.{suffix}"
    return f"{(plain or 'file')[:_NAME_LIMIT]}{suffixes[0]}"


def headers(name: str, media_type: str) -> dict[str, str]:
    """How a file is handed to a browser: an image to be seen, all else to be saved, and nothing in it ever runs."""
    disposition = "inline" if kind_of(media_type) == "image" else "attachment"
    return {
        "Content-Type": media_type,
        "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, max-age=3600",  # a file never changes; the next person at the browser finds it gone
    }


def _by_magic(data: bytes) -> str | None:
    return next((found for magic, found in _MAGIC if data.startswith(magic)), None)


def _webp(data: bytes) -> str | None:
    return "image/webp" if data.startswith(b"RIFF") and data[8:12] == b"WEBP" else None


def _sound(data: bytes) -> str | None:
    kind = sound_kind(data)
    if kind is None or kind.media_type not in _SUFFIXES or may_show_pictures(data, kind):
        return None
    return kind.media_type


def _zipped(data: bytes) -> str | None:
    if not data.startswith(b"PK\x03\x04"):
        return None
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = set(archive.namelist())
            if any(name.lower().endswith("vbaproject.bin") for name in names):  # macros
                return None
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 100:
                said = archive.read("mimetype").decode("ascii", "replace")
                return said if said.startswith(_OPEN_DOCUMENT) and said in _SUFFIXES else None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError):
        return None
    if "[Content_Types].xml" not in names:
        return None
    return next((found for part, found in _OFFICE.items() if any(name.startswith(part) for name in names)), None)


def _old_office(data: bytes) -> str | None:
    if not data.startswith(_OLE) or "_VBA_PROJECT".encode("utf-16-le") in data:
        return None
    return next((found for name, found in _OLD_OFFICE.items() if f"{name}\0".encode("utf-16-le") in data), None)


def _text(data: bytes) -> str | None:
    if not data.strip():
        return None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text/plain" if _is(data, "utf-16") else None
    if _CONTROL.search(data):
        return None
    return "text/plain" if _is(data, "utf-8") or _is(data, "gb18030") else None


def _is(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
