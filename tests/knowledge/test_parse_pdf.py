"""PDF: lines become paragraphs again, and hostile or unreadable files say what to do."""

import io
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

from kefu.knowledge.parsing import ParsedDocument, ParseLimits, parse

HANDBOOK = Path(__file__).parent / "fixtures/pdf/handbook.pdf"


def pdf(*pages: str, extra: bytes = b"") -> bytes:
    """A PDF whose pages have these content streams; F1 is Helvetica and F2 its bold."""
    kids = " ".join(f"{4 + 2 * at} 0 R" for at in range(len(pages)))
    fonts = "/F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> "
    fonts += "/F2 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        f"<< /Font << {fonts} >> >>".encode(),
    ]
    for at, content in enumerate(pages):
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources 3 0 R /Contents {5 + 2 * at} 0 R "
        objects.append(page.encode() + extra + b">>")
        stream = content.encode("latin-1")
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    return pdf_of(objects)


def lines(*texts: str, size: int = 12, x: int = 72, y: int = 720, leading: int = 14, font: str = "F1") -> str:
    """Content that shows lines of text below each other."""
    shown = " ".join(f"1 0 0 1 {x} {y - at * leading} Tm ({text}) Tj" for at, text in enumerate(texts))
    return f"BT /{font} {size} Tf {shown} ET "


def pdf_of(objects: list[bytes]) -> bytes:
    data, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return data + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (size, table, size, len(data))
    )


def document(data: bytes) -> ParsedDocument:
    result = parse("page.pdf", data)
    assert not result.failures
    return result.documents[0]


def reason(data: bytes, limits: ParseLimits = ParseLimits()) -> str:  # noqa: B008
    result = parse("page.pdf", data, limits)
    assert not result.documents
    return result.failures[0].reason


def rewritten(data: bytes, **encryption: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt(algorithm="AES-256", **encryption)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_typeset_handbook_reads_like_its_source() -> None:
    handbook = document(HANDBOOK.read_bytes())
    blocks = handbook.text.split("\n\n")
    assert [(s.level, s.heading) for s in handbook.sections] == [
        (1, "Returns handbook"),
        (1, "How long do refunds take?"),
        (3, "What you need"),
        (1, "Exceptions"),
        (2, "退款政策"),
    ]
    assert blocks[2].startswith("Refunds are paid back to the card")
    assert blocks[2].endswith("has been checked.")
    assert blocks[2] == blocks[3]
    assert "- your order number" in blocks
    assert "Plan | Price\nBasic | 5.00\nPlus | 9.50" in handbook.text.replace("\n\n", "\n")
    assert "Customer handbook" not in handbook.text
    assert "Page 2" not in handbook.text
    assert blocks[-1].startswith("退款会在三个工作日内原路返回到您付款时使用的账户，如果超过五个工作日仍未收到，请联系")
    assert all(handbook.text[s.start :].startswith(s.heading) for s in handbook.sections)


def test_a_sentence_goes_on_over_a_page_break() -> None:
    first = lines("This sentence is broken by the end of the page, which is a", y=100)
    second = lines("place like any other. It ends here.", "Another line of the same paragraph follows it.")
    text = document(pdf(first, second)).text
    assert text.startswith(
        "This sentence is broken by the end of the page, which is a place like any other. It ends here."
    )


def test_words_parted_by_a_hyphen_are_whole_again() -> None:
    text = document(
        pdf(lines("Refunds are paid after the article was in-", "spected in our warehouse by a member."))
    ).text
    assert text == "Refunds are paid after the article was inspected in our warehouse by a member."


def test_a_bold_line_is_a_heading() -> None:
    page = document(pdf(lines("Fees", font="F2") + lines("Returns cost nothing for all members.", y=706)))
    assert [section.heading for section in page.sections] == ["Fees"]
    assert page.text == "Fees\n\nReturns cost nothing for all members."


def test_the_address_behind_a_link_is_kept() -> None:
    link = (
        b"/Annots [<< /Type /Annot /Subtype /Link /Rect [70 715 200 732] "
        b"/A << /S /URI /URI (https://shop.example/returns) >> >>] "
    )
    assert document(pdf(lines("See our portal"), extra=link)).text == "See our portal (https://shop.example/returns)"


def test_a_pdf_that_only_forbids_printing_is_read() -> None:
    locked = rewritten(pdf(lines("Returns take 30 days.")), user_password="", owner_password="secret")
    assert document(locked).text == "Returns take 30 days."


def test_an_encrypted_pdf_says_what_to_do() -> None:
    locked = rewritten(pdf(lines("Returns take 30 days.")), user_password="secret")
    assert reason(locked) == "The PDF is encrypted; remove its password and add it again."


def test_a_scanned_pdf_says_what_to_do() -> None:
    assert "text recognition (OCR)" in reason(pdf("", ""))


def test_one_bad_page_does_not_lose_the_others() -> None:
    assert document(pdf(lines("Good page."), "BT /F9 12 Tf (x")).text == "Good page."


def test_letters_that_fonts_do_not_name_are_refused() -> None:
    assert "fonts do not say" in reason(pdf(lines("\x01\x02\x03\x04 a")))


@pytest.mark.parametrize(
    ("limits", "what"),
    [
        (ParseLimits(pdf_pages=1), "2 pages; the most is 1"),
        (ParseLimits(characters=10), "more than 10 characters"),
        (ParseLimits(pdf_seconds=0.001), "more than 0.001 seconds"),
    ],
)
def test_limits(limits: ParseLimits, what: str) -> None:
    assert what in reason(pdf(lines("Returns take 30 days."), lines("Refunds take 5 days.")), limits)
