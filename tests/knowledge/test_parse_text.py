"""Plain text: the text is the file to the letter, in whatever encoding, and headings are found by shape."""

import pytest

from kefu.knowledge.parsing import ParseLimits, parse
from kefu.knowledge.parsing.characters import visible

CHINESE = "怎么申请退款？请在订单页面点击退款按钮，三天内到账。如果没有收到，请联系我们的客服。\n"
KOREAN = "환불은 어떻게 신청하나요? 주문 페이지에서 환불 버튼을 클릭하세요. 삼일 이내에 입금됩니다.\n"
JAPANESE = "返金の申請はどうすればいいですか？注文ページで返金ボタンをクリックしてください。\n"
TAIWANESE = "怎麼申請退款？請在訂單頁面點擊退款按鈕，三天內到帳。如果沒有收到，請聯繫我們的客服。\n"
RUSSIAN = "Как оформить возврат? Нажмите кнопку возврата на странице заказа. Деньги придут скоро.\n"
FRENCH = "Comment être remboursé ? Cliquez sur « Remboursement ». L’argent arrivera l’été prochain.\n"


def text_of(data: bytes) -> str:
    (document,) = parse("page.txt", data).documents
    return document.text


def reason(data: bytes, limits: ParseLimits = ParseLimits()) -> str:  # noqa: B008
    result = parse("page.txt", data, limits)
    assert not result.documents
    return result.failures[0].reason


def headings_of(text: str) -> list[tuple[int, str]]:
    (document,) = parse("page.txt", text.encode()).documents
    assert all(document.text[s.start :].startswith(s.heading.split()[0]) for s in document.sections)
    return [(section.level, section.heading) for section in document.sections]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (CHINESE, "utf-8"), (CHINESE, "gbk"), (CHINESE, "gb18030"), (CHINESE, "utf-16"), (TAIWANESE, "big5"),
        (KOREAN, "cp949"), (JAPANESE, "cp932"), (JAPANESE, "euc_jp"), (RUSSIAN, "cp1251"), (FRENCH, "cp1252"),
        ("It’s £5 — don’t worry.", "cp1252"), ("Plain.\r\n", "utf-16-le"), ("退款", "gbk"),
    ],
)  # fmt: skip
def test_the_encoding_is_found(text: str, encoding: str) -> None:
    assert text_of(text.encode(encoding)) == text


@pytest.mark.parametrize(
    "text", ["\r\n\r\n A\r\nb\t\r\n\n", "\n\nFees \nIt costs $5. \n", "a\u202eb\u200bc\u00a0d\f", " x"]
)
def test_the_text_is_the_file_to_the_letter(text: str) -> None:
    assert text_of(text.encode()) == text


def test_only_the_byte_order_mark_is_removed() -> None:
    assert text_of(b"\xef\xbb\xbf\nHelp") == "\nHelp"
    assert text_of("\ufeff退款\n".encode("utf-16-be")) == "退款\n"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"abc \xff\xfe\xc3( \xed\xa0\x80 def\n", "not valid UTF-8 (line 1, byte 5)"),
        ("退款三天内到账。\n请联系客服。".encode() + b"\xff", "not valid UTF-8 (line 2"),
        (b"Help\nab\x00cd", "line 2 holds a NUL"),
        (b"\xff\xfea", "begins as UTF-16-LE"),
        (b"", "empty"),
        (b" \n\r\n\t", "empty"),
    ],
)
def test_what_fits_no_encoding_is_refused_with_the_place(data: bytes, what: str) -> None:
    assert what in reason(data)


def test_limits_are_named_in_the_reason() -> None:
    assert "most is 10" in reason(b"x" * 11, ParseLimits(file_bytes=10))
    assert "more than 10 characters" in reason(b"x" * 11, ParseLimits(characters=10))


def test_headings_are_short_lines_that_begin_a_block() -> None:
    text = "\n\nFees \nIt costs $5. \n\nWhat is checked? \nThe brakes. \n\nThis is a sentence.\nSo is this.\n"
    assert headings_of(text) == [(2, "Fees"), (2, "What is checked?")]


def test_a_first_line_alone_is_the_title() -> None:
    text = "Returns\n\nWhen you can return\nWithin 30 days.\n\n退款时间\n三天内到账。\n"
    assert headings_of(text) == [(1, "Returns"), (2, "When you can return"), (2, "退款时间")]
    assert parse("a.txt", text.encode()).documents[0].title == "Returns"


@pytest.mark.parametrize(
    "text",
    [
        "Apples are fruit.\n\nPears\n\nPlums\n\nFigs\n",  # a list with blank lines
        "Fruit.\n\n1. Open the app\n2. Press return\n",
        "Fruit.\n\n- one\n- two\n",
        "Shop.\n\nPhone: 555 0100\nMail: a@example.com\n",
        "Shop.\n\nYou will need:\na passport\n",
        "Table.\n\na | b\n1 | 2\n",
        "A last line.\n\nGoodbye\n",
        "First.\n\nTo send an article back you open your orders in the app and\nthen choose the article.\n",
    ],
)
def test_lists_fields_and_wrapped_paragraphs_have_no_heading(text: str) -> None:
    assert headings_of(text) == []


def test_a_page_named_for_its_subject_has_that_title() -> None:
    assert parse("help/Refund_policy.txt", b"We pay back in 5 days.").documents[0].title == "Refund policy"


def test_visible_text_has_nothing_that_hides() -> None:
    assert visible("退款\u202etxe\u202c \u200b\u200d\ufeff test") == "退款txe \u200d test"
