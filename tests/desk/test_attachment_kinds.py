"""What conversations take is told from the bytes, whatever a file is called."""

import zipfile
from io import BytesIO

import pytest

from kefu.desk.inbox.kinds import fit_name, headers, kind_of, sniffed
from kefu.kit.errors import BadInput

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)


def zipped(*names: str, **files: str) -> bytes:
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, text in {**dict.fromkeys(names, ""), **files}.items():
            archive.writestr(name, text)
    return whole.getvalue()


def old_office(stream: str) -> bytes:
    return OLE + f"{stream}\0".encode("utf-16-le")


TAKEN = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0" + bytes(20),
    "image/gif": b"GIF89a" + bytes(20),
    "image/webp": b"RIFF\x10\x00\x00\x00WEBPVP8 ",
    "application/pdf": b"%PDF-1.7\n%\xe2\xe3",
    WORD: zipped("[Content_Types].xml", "word/document2.xml"),
    "application/vnd.oasis.opendocument.text": zipped(mimetype="application/vnd.oasis.opendocument.text"),
    "application/vnd.ms-excel": old_office("Workbook"),
    "application/msword": old_office("WordDocument"),
    "audio/mpeg": b"\xff\xfb\x90\x64" + bytes(20),
    "audio/wav": b"RIFF\x10\x00\x00\x00WAVEfmt ",
    "audio/ogg": b"OggS" + bytes(20),
    "audio/mp4": b"\x00\x00\x00\x20ftypM4A \x00\x00\x00\x00",
    "audio/aac": b"\xff\xf1\x50\x80" + bytes(20),
    "audio/amr": b"#!AMR\n" + bytes(20),
    "audio/webm": b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm" + b"A_OPUS",
    "text/plain": "订单号 889123\n".encode(),
}


@pytest.mark.parametrize(("media_type", "data"), TAKEN.items())
def test_what_is_taken_is_known_by_its_bytes(media_type: str, data: bytes) -> None:
    assert sniffed(data) == media_type


def test_text_is_read_in_the_encodings_that_customers_have() -> None:
    for encoding in ("utf-8", "utf-16", "gb18030"):
        assert sniffed("发票抬头：某某公司".encode(encoding)) == "text/plain"


@pytest.mark.parametrize(
    "data",
    [
        b"MZ\x90\x00" + bytes(100),
        b"\x7fELF" + bytes(100),
        zipped("anything.exe"),
        zipped("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
        zipped(mimetype="application/epub+zip"),
        b"PK\x03\x04" + bytes(100),
        OLE,
        old_office("Workbook") + "_VBA_PROJECT".encode("utf-16-le"),
        b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00",
        b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm" + b"V_VP9 A_OPUS",
        b"   \n",
        b"BM" + bytes(100),
    ],
    ids=["exe", "elf", "zip", "docm", "epub", "broken", "msi", "macros", "mp4", "video", "blank", "bmp"],
)
def test_all_else_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        sniffed(data)
    assert refused.value.fields["reason"] == "kind"


@pytest.mark.parametrize(
    ("given", "media_type", "fit"),
    [
        ("发票.pdf", "application/pdf", "发票.pdf"),
        ("C:\\photos\\me.JPG", "image/jpeg", "me.JPG"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("invoice.exe", "image/png", "invoice.exe.png"),
        ("page.html", "text/plain", "page.html.txt"),
        ("photo\u202egnp.exe", "text/plain", "photognp.exe.txt"),
        ("a\r\nSet-Cookie: x.png", "image/png", "aSet-Cookie x.png"),
        ("", "image/png", "file.png"),
        (".png", "image/png", "file.png"),
        ("x" * 500 + ".png", "image/png", "x" * 120 + ".png"),
    ],
)
def test_a_name_is_short_plain_and_says_what_the_file_is(given: str, media_type: str, fit: str) -> None:
    assert fit_name(given, media_type) == fit


def test_nothing_handed_out_can_run() -> None:
    for media_type in TAKEN:
        given = headers("发票.x", media_type)
        assert given["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert given["X-Content-Type-Options"] == "nosniff"
        shown = "inline" if kind_of(media_type) == "image" else "attachment"
        assert given["Content-Disposition"] == f"{shown}; filename*=UTF-8''%E5%8F%91%E7%A5%A8.x"
    assert not {"text/html", "image/svg+xml"} & set(TAKEN)
    assert sniffed(b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>") == "text/plain"
