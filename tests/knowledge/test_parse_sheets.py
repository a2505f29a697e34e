"""CSV: FAQ sheets word for word, other sheets row by row, and bad rows named."""

import pytest

from kefu.knowledge.parsing import ParsedDocument, ParseLimits, ParseResult, parse


def parsed(text: str, encoding: str = "utf-8") -> ParseResult:
    return parse("faq.csv", text.encode(encoding))


def document(text: str) -> ParsedDocument:
    result = parsed(text)
    assert not result.failures
    return result.documents[0]


def reason(text: str) -> str:
    return parsed(text).failures[0].reason


@pytest.mark.parametrize(
    "header",
    [
        "question,answer",
        "Question,ANSWER",
        "问题,答案",
        "问题,回答",
        "q,a",
        '"question";"answer"',
        "question\tanswer",
        "问题|答案",
        "常见问题,标准答复",
    ],
)
def test_a_faq_sheet_is_known_by_its_header(header: str) -> None:
    delimiter = next(mark for mark in ";\t|," if mark in header)
    (entry,) = document(f"{header}\nHow?{delimiter}So.\n").faqs
    assert (entry.question, entry.answer) == ("How?", "So.")


def test_a_faq_sheet_without_a_header_keeps_its_first_row() -> None:
    one, two = document("How tall is it?,324 metres.\nHow wide is it?,125 metres.\n").faqs
    assert (one.question, one.answer) == ("How tall is it?", "324 metres.")
    assert two.question == "How wide is it?"
    assert not document("Ready?,Sure?\nyes,no\n").faqs, "two questions are two columns' names"


@pytest.mark.parametrize("encoding", ["gbk", "utf-16", "utf-8-sig", "gb18030"])
def test_a_chinese_sheet_in_any_usual_encoding(encoding: str) -> None:
    (entry,) = parsed("问题,答案\r\n多久退款,三天到账\r\n", encoding).documents[0].faqs
    assert (entry.question, entry.answer) == ("多久退款", "三天到账")


def test_answers_are_word_for_word_and_offsets_exact() -> None:
    answer = 'Go to "Orders",\n- press  Return;\n\n  then wait | or call. =1+1'
    quoted = answer.replace('"', '""')
    sheet = document(f'category,question,answer\nX, How? ,"{quoted}"\nY,Why?,Because\n')
    assert [entry.answer for entry in sheet.faqs] == [answer, "Because"]
    assert sheet.text == f"How?\n{answer}\n\nWhy?\nBecause\n\n"
    for entry in sheet.faqs:
        assert sheet.text[entry.start : entry.end] == f"{entry.question}\n{entry.answer}"
        assert sheet.text[entry.answer_start : entry.end] == entry.answer


@pytest.mark.parametrize("header", ["more_questions", "Similar Questions", "相似问法", "similar-questions"])
def test_more_questions_are_split(header: str) -> None:
    sheet = document(f'question,answer,{header}\nHow?,So.,"In what way?|How exactly?；怎么做;How?\nAnd how?"\n')
    assert sheet.faqs[0].more_questions == ("In what way?", "How exactly?", "怎么做", "And how?")


def test_a_second_question_column_is_another_way_to_ask() -> None:
    (entry,) = document("question,question,answer\na,b,c\n").faqs
    assert (entry.question, entry.more_questions, entry.answer) == ("a", ("b",), "c")


def test_two_answer_columns_are_refused_by_number() -> None:
    assert "Columns 2 and 3" in reason("question,answer,answer\na,b,c\n")


def test_formulas_are_text() -> None:
    (entry,) = document("question,answer\n+cmd|' /C calc'!A0,-1+1\n").faqs
    assert (entry.question, entry.answer) == ("+cmd|' /C calc'!A0", "-1+1")


def test_bad_rows_are_left_out_by_line_and_the_others_read() -> None:
    sheet = 'question,answer\nHow?,"So,\nso."\nAlone\nYes,we,do\n,x\nNul\x00,y\n\n,\nWhy?,Because\n'
    result = parsed(sheet)
    assert [entry.question for entry in result.documents[0].faqs] == ["How?", "Why?"]
    assert result.failures[0].reason == (
        "4 rows were left out: line 4 has no answer; line 5 has 3 cells but the header has 2; line 6 has no question; "
        "line 7 holds a NUL character in column 1."
    )


def test_many_bad_rows_make_one_sentence() -> None:
    assert "; and 95 more." in reason("question,answer\nHow?,So.\n" + "Alone\n" * 100)


def test_nothing_below_an_open_quote_is_guessed() -> None:
    result = parsed('question,answer\nHow?,So.\nWhy?,"open\nnext,row\n')
    assert [entry.question for entry in result.documents[0].faqs] == ["How?"]
    assert "line 3 opens a quote in column 2 that is not closed" in result.failures[0].reason


def test_a_bad_quote_that_ends_on_its_line_costs_that_line_only() -> None:
    result = parsed('question,answer\nHow?,"so" and so\nWhy?,Because\n')
    assert [entry.question for entry in result.documents[0].faqs] == ["Why?"]
    assert "line 2 cannot be split" in result.failures[0].reason


def test_an_answer_shows_all_that_it_says() -> None:
    (entry,) = document("question,answer\nHow?,safe\u202e)gnp.exe\u200b\n").faqs
    assert entry.answer == "safe)gnp.exe"


def test_other_sheets_have_a_paragraph_for_each_row() -> None:
    sheet = document('Plan,Price,Note\nBasic,5,\nPlus,"9,50","two\nlines"\nX,1,2,extra\n')
    assert (
        sheet.text
        == "Plan: Basic; Price: 5\n\nPlan: Plus; Price: 9,50; Note: two lines\n\nPlan: X; Price: 1; Note: 2; extra"
    )
    assert sheet.faqs == ()


def test_an_excel_hint_names_the_delimiter_and_lines_stay_right() -> None:
    result = parsed("sep=;\nquestion;answer\nHow?;So.\nAlone;\n")
    assert result.documents[0].faqs[0].answer == "So."
    assert "line 4 has no answer" in result.failures[0].reason


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("question,answer\n", "header but no rows"),
        (",,\n,\n", "sheet is empty"),
        ("question,answer\nAlone\n", "No row could be used; 1 row was left out: line 2 has no answer."),
    ],
)
def test_a_sheet_without_rows_says_so(text: str, what: str) -> None:
    assert what in reason(text)


def test_limits() -> None:
    rows = "a,b\n" + "1,2\n" * 20
    assert "more than 10 rows" in parse("x.csv", rows.encode(), ParseLimits(sheet_rows=10)).failures[0].reason
    wide = "a,b\n" + ",".join("x" * 20) + "\n"
    assert "has 20 cells" in parse("x.csv", wide.encode(), ParseLimits(sheet_columns=10)).failures[0].reason
