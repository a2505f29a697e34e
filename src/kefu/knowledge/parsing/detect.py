"""What a file is, by its content; its name only decides between kinds of text."""

import io
import re
import zipfile

from kefu.knowledge.parsing.document import File, Unreadable

_KIND_OF_ENDING = {
    "txt": "text", "text": "text", "md": "markdown", "markdown": "markdown", "mdx": "markdown", "html": "html",
    "htm": "html", "xhtml": "html", "csv": "csv", "tsv": "csv", "pdf": "pdf", "docx": "docx", "xlsx": "xlsx",
    "xlsm": "xlsx", "zip": "zip",
}  # fmt: skip
_KIND_OF_MEDIA_TYPE = {
    "text/html": "html", "application/xhtml+xml": "html", "text/markdown": "markdown", "text/csv": "csv",
    "text/plain": "text",
}  # fmt: skip
_TEXT_KINDS = frozenset({"text", "markdown", "html", "csv"})
# Text formats that are data or programs; what they say is not written for readers.
_UNSUPPORTED_TEXT = {
    "json": "JSON", "jsonl": "JSON", "xml": "XML", "svg": "SVG", "yaml": "YAML", "yml": "YAML", "rtf": "RTF",
    "tex": "LaTeX", "eml": "e-mail", "ics": "calendar", "js": "JavaScript", "css": "CSS", "py": "Python",
}  # fmt: skip
_ENDING_OF_BINARY = frozenset(
    """
    doc xls ppt pptx odt ods epub png jpg jpeg gif webp bmp tif tiff heic wav mp3 ogg flac m4a mp4 mov avi mkv webm gz
    7z rar bz2 xz tar exe dll so bin db sqlite parquet pkl onnx gguf
    """.split()
)
_SIGNATURES = (
    (b"%PDF-", "pdf"), (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"), (b"PK\x07\x08", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "OLE"), (b"{\\rtf", "RTF"),
    (b"\x89PNG", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF8", "GIF"), (b"BM", "bitmap"), (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"), (b"RIFF", "RIFF"), (b"ID3", "MP3"), (b"\xff\xfb", "MP3"), (b"OggS", "Ogg"),
    (b"fLaC", "FLAC"), (b"\x1f\x8b", "gzip"), (b"7z\xbc\xaf\x27\x1c", "7-Zip"), (b"Rar!", "RAR"), (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"), (b"SQLite format 3\x00", "SQLite"), (b"\x7fELF", "program"), (b"MZ", "program"),
    (b"%!PS", "PostScript"),
)  # fmt: skip
_LABEL = {
    "pdf": "PDF", "docx": "Word (.docx)", "xlsx": "Excel (.xlsx)", "zip": "zip archive", "html": "HTML",
    "csv": "CSV", "markdown": "Markdown", "text": "plain text", "xml": "XML", "svg": "SVG",
}  # fmt: skip
SUPPORTED = "PDF, Word (.docx), Excel (.xlsx), CSV, HTML, Markdown, plain text and zip"
_HTML_START = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_PROLOGUE = re.compile(r"(?:\s+|<\?[^>]*>|<!--.*?-->|<!doctype\s+svg[^>]*>)+", re.IGNORECASE | re.DOTALL)
# Signatures of two letters stand at the start of real texts too ("BMW service"); data follows in a real file.
_SHORT_SIGNATURE = 2


def kind_of(file: File, media_type: str | None = None) -> str:
    """One of text, markdown, html, csv, pdf, docx, xlsx and zip.

    Raises Unreadable, with the reason, for an empty file, a kind that is not supported and a name that lies.
    `media_type` is what a server said, and is believed only where name and content do not tell.
    """
    if not file.data.strip(b"\x00 \t\r\n"):
        raise Unreadable("The file is empty.")
    ending = _ending(file.name)
    named = _KIND_OF_ENDING.get(ending)
    content = _content_kind(file.data, ending)
    if content is None:
        return _text_kind(ending, named, media_type)
    if content == "OLE":
        raise Unreadable(
            "The file is encrypted or in the Office 97-2003 format; "
            "save it as .docx or .xlsx without a password and add it again."
        )
    if content not in _KIND_OF_ENDING.values():
        raise Unreadable(_unsupported(content, ending))
    if named in (None, content) or (content == "html" and named in ("text", "markdown")):
        if ending in _ENDING_OF_BINARY or ending in _UNSUPPORTED_TEXT:
            raise Unreadable(_lie(ending, content))
        return named or content
    if content == "zip" and named in ("docx", "xlsx"):
        return named  # its parser says which part is missing
    raise Unreadable(_lie(ending, content))


def _text_kind(ending: str, named: str | None, media_type: str | None) -> str:
    if named in _TEXT_KINDS:
        return named
    if named is not None or ending in _ENDING_OF_BINARY:
        label = _LABEL.get(named or "", ending.upper())
        raise Unreadable(f"The name ends in .{ending} but the content is not {label}.")
    if ending in _UNSUPPORTED_TEXT:
        raise Unreadable(_unsupported(_UNSUPPORTED_TEXT[ending], ending))
    return _KIND_OF_MEDIA_TYPE.get((media_type or "").split(";")[0].strip().lower(), "text")


def _content_kind(data: bytes, ending: str) -> str | None:
    """The kind that the content proves, or None for text of any kind."""
    for signature, kind in _SIGNATURES:
        if data.startswith(signature) and (len(signature) > _SHORT_SIGNATURE or b"\x00" in data[:64]):
            if kind == "zip":
                return _zip_kind(data)
            return _riff_kind(data) if kind == "RIFF" else kind
    if data[4:8] == b"ftyp":
        return "MP4 or HEIC"
    # Readers allow a little rubbish before the header, and some scanners write it.
    if ending == "pdf" and b"%PDF-" in data[:1024]:
        return "pdf"
    return _markup_kind(data)


def _riff_kind(data: bytes) -> str:
    return {b"WAVE": "WAV", b"WEBP": "WebP", b"AVI ": "AVI"}.get(data[8:12], "RIFF")


def _markup_kind(data: bytes) -> str | None:
    head = data[:4096].replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe").decode("latin-1")
    prologue = _PROLOGUE.match(head)
    start = head[prologue.end() :] if prologue else head
    if start[:4].lower() == "<svg":
        return "svg"
    if _HTML_START.match(start):
        return "html"
    return "xml" if head.lstrip().startswith("<?xml") else None


def _zip_kind(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return "zip"
    if "word/document.xml" in names:
        return "docx"
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "ppt/presentation.xml" in names:
        return "PowerPoint"
    if "mimetype" in names:
        return "OpenDocument or EPUB"
    return "zip"


def _ending(name: str) -> str:
    path = re.split(r"[?#]", name, maxsplit=1)[0] if "://" in name else name
    last = path.replace("\\", "/").rsplit("/", 1)[-1]
    return last.rsplit(".", 1)[-1].lower() if "." in last else ""


def _unsupported(label: str, ending: str) -> str:
    label = _LABEL.get(label, label)
    if ending in _KIND_OF_ENDING:
        return _lie(ending, label)
    return f"{label[:1].upper()}{label[1:]} files cannot be read; add {SUPPORTED} files."


def _lie(ending: str, content: str) -> str:
    return (
        f"The name ends in .{ending} but the content is {_LABEL.get(content, content)}; give the file its right ending."
    )
