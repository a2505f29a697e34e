"""Word and Excel files as people write them, and as nobody should."""

import datetime
import io
import zipfile
from collections.abc import Callable

import docx
import openpyxl
import pytest
from docx.document import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from kefu.knowledge.parsing import ParsedDocument, ParseLimits, parse


def word(write: Callable[[Document], None]) -> bytes:
    document = docx.Document()
    write(document)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def parsed(write: Callable[[Document], None]) -> ParsedDocument:
    result = parse("page.docx", word(write))
    assert not result.failures
    return result.documents[0]


def book(**sheets: list[list[object]]) -> bytes:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def with_part(data: bytes, name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            new.writestr(member, content if member == name else old.read(member))
    return out.getvalue()


def test_word_headings_lists_and_tables() -> None:
    def write(document: Document) -> None:
        document.add_heading("Returns", 0)
        document.add_heading("What you need", 1)
        document.add_paragraph("your order number", style="List Bullet")
        document.add_paragraph("a box", style="List Bullet")
        document.add_paragraph("Then:")
        document.add_paragraph("Open the app", style="List Number")
        document.add_paragraph("Press return", style="List Number")
        document.add_heading("费用", 2)
        table = document.add_table(rows=2, cols=2)
        for cell, text in zip(table._cells, ["Plan", "Price", "Basic", "5.00"], strict=True):
            cell.text = text

    page = parsed(write)
    assert page.text == (
        "Returns\n\nWhat you need\n\n- your order number\n- a box\n\nThen:\n\n1. Open the app\n2. Press return\n\n"
        "费用\n\nPlan | Price\nBasic | 5.00"
    )
    assert [(s.level, s.heading) for s in page.sections] == [(1, "Returns"), (2, "What you need"), (3, "费用")]
    assert all(page.text[s.start :].startswith(s.heading) for s in page.sections)
    assert page.title == "Returns"


def run(text: str, properties: str = "") -> str:
    return f"<w:r>{properties}<w:t xml:space='preserve'>{text}</w:t></w:r>"


def test_word_text_is_what_stands_in_the_final_version() -> None:
    def write(document: Document) -> None:
        content = (
            run("Refunds take ")
            + "<w:del w:id='1' w:author='a'><w:r><w:delText>9</w:delText></w:r></w:del>"
            + f"<w:ins w:id='2' w:author='a'>{run('5')}</w:ins>"
            + f"<w:sdt><w:sdtContent>{run(' days')}</w:sdtContent></w:sdt>"
            + run(" secret", "<w:rPr><w:vanish/></w:rPr>")
            + "<w:r><w:instrText>secret</w:instrText></w:r>"
            + run(".", "<w:rPr><w:vanish w:val='0'/></w:rPr>")
        )
        document.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w')}>{content}</w:p>"))

    assert parsed(write).text == "Refunds take 5 days."


def test_word_links_keep_their_address() -> None:
    def write(document: Document) -> None:
        kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"
        link = document.part.relate_to("https://shop.example/returns", kind, is_external=True)
        content = f"{run('See ')}<w:hyperlink r:id='{link}'>{run('the portal')}</w:hyperlink>{run('.')}"
        document.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w', 'r')}>{content}</w:p>"))

    assert parsed(write).text == "See the portal (https://shop.example/returns)."


def test_a_word_style_may_carry_the_outline_level() -> None:
    def write(document: Document) -> None:
        style = document.styles.add_style("Frage", 1)
        style.element.get_or_add_pPr().append(parse_xml(f"<w:outlineLvl {nsdecls('w')} w:val='1'/>"))
        document.add_paragraph("Wie lange?", style="Frage")
        document.add_paragraph("Fünf Tage.")

    assert [(s.level, s.heading) for s in parsed(write).sections] == [(2, "Wie lange?")]


@pytest.mark.parametrize(
    "declaration", ["<!DOCTYPE d [<!ENTITY x 'y'>]>", "<!DOCTYPE d SYSTEM 'http://203.0.113.9/x'>"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_office_files_with_a_document_type_are_refused(declaration: str, encoding: str) -> None:
    part = f"<?xml version='1.0' encoding='{encoding}'?>{declaration}<w:document {nsdecls('w')}/>".encode(encoding)
    result = parse("a.docx", with_part(word(lambda d: None), "word/document.xml", part))
    assert "declares XML entities" in result.failures[0].reason
    rows = with_part(book(A=[["a"], ["b"]]), "xl/worksheets/sheet1.xml", part)
    assert "declares XML entities" in parse("a.xlsx", rows).failures[0].reason


def test_a_word_file_without_text_says_so() -> None:
    assert parse("a.docx", word(lambda d: None)).failures[0].reason == "The file holds no text."


def test_an_office_bomb_is_not_unpacked() -> None:
    bomb = with_part(word(lambda d: None), "word/styles.xml", b" " * 30_000_000)
    (failure,) = parse("a.docx", bomb).failures
    assert "unpacks to 30," in failure.reason


def test_an_excel_faq_is_word_for_word() -> None:
    rows: list[list[object]] = [
        ["问题", "答案", "相似问法"],
        ["多久退款", "三天到账。\n请耐心等待", "退款多久|几天退款"],
        ["No answer", None, None],
    ]
    result = parse("faq.xlsx", book(FAQ=rows))
    (document,) = result.documents
    (entry,) = document.faqs
    assert (entry.question, entry.answer) == ("多久退款", "三天到账。\n请耐心等待")
    assert entry.more_questions == ("退款多久", "几天退款")
    assert "row 3 has no answer" in result.failures[0].reason


def test_excel_values_are_as_shown_and_each_sheet_is_a_document() -> None:
    values: list[list[object]] = [
        ["Name", "Price", "Share", "Since", "At", "Open", "Sum"],
        ["Basic", 5.0, 0.05, datetime.datetime(2026, 11, 21), datetime.time(9, 30), True, "=1+1"],
    ]
    data = book(Prices=values, Empty=[], Contact=[["Town", "Phone"], ["Köln", "0221 1234"]])
    workbook = openpyxl.load_workbook(io.BytesIO(data))
    workbook["Prices"]["C2"].number_format = "0%"
    hidden = workbook.create_sheet("Secret")
    hidden.append(["a", "b"])
    hidden.sheet_state = "hidden"
    out = io.BytesIO()
    workbook.save(out)
    result = parse("book.xlsx", out.getvalue())
    assert not result.failures
    assert [(document.name, document.title) for document in result.documents] == [
        ("book.xlsx/Prices", "Prices"),
        ("book.xlsx/Contact", "Contact"),
    ]
    assert result.documents[0].text == "Name: Basic; Price: 5; Share: 5%; Since: 2026-11-21; At: 09:30; Open: TRUE"


def test_excel_limits_hold_against_sparse_sheets() -> None:
    workbook = openpyxl.Workbook()
    workbook.active["A1"] = "a"
    workbook.active["XFD500"] = "far"
    out = io.BytesIO()
    workbook.save(out)
    (failure,) = parse("a.xlsx", out.getvalue()).failures
    assert "Row 500 has 16,384 cells" in failure.reason
    rows: list[list[object]] = [["a", "b"], *([1, 2] for _ in range(20))]
    assert "more than 10 rows" in parse("a.xlsx", book(A=rows), ParseLimits(sheet_rows=10)).failures[0].reason


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"])
def test_a_damaged_excel_part_is_a_failure(part: str) -> None:
    result = parse("a.xlsx", with_part(book(A=[["a", "b"], ["c", "d"]]), part, b"<broken"))
    assert "damaged" in result.failures[0].reason


def test_an_excel_file_without_workbook_says_so() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    assert "no workbook part" in parse("a.xlsx", out.getvalue()).failures[0].reason
