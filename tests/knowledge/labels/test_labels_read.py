"""Files of labelled texts: each form is told and read alike, each bad row is named."""

import gzip
import importlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kefu.contracts.dataset import BadRow, Dataset, Example
from kefu.kit.errors import BadInput, TooLarge
from kefu.knowledge.labels import BadRows, dataset_of, read, read_bytes, write
from kefu.knowledge.labels.columns import Choice

reading = importlib.import_module("kefu.knowledge.labels.read")  # the module: the package exports the function

PAIRS = [("Where is my parcel?", "tracking"), ("我要退货", "return"), ('She said "hi",\nthen left', "other")]
TABLE = 'text,label\nWhere is my parcel?,tracking\n我要退货,return\n"She said ""hi"",\nthen left",other\n'

# What a CSV cannot hold at all: lone surrogates (not encodable) and NUL. "\r" alone is a line end in a quoted cell too.
characters = st.characters(exclude_categories=("Cs",), exclude_characters="\x00")
texts = st.text(characters, min_size=1, max_size=40).filter(lambda text: bool(text.strip()))
labels = texts.map(str.strip).filter(bool)


def parsed(text: str | bytes, name: str = "data.csv", **given: object) -> Dataset:
    return read_bytes(text.encode() if isinstance(text, str) else text, name=name, **given)  # type: ignore[arg-type]


def pairs(dataset: Dataset) -> list[tuple[str, str | None]]:
    return [(each.text, each.label) for each in dataset.examples]


def bad_rows(text: str | bytes, name: str = "data.csv") -> list[BadRow]:
    with pytest.raises(BadRows) as caught:
        parsed(text, name)
    return list(caught.value.rows)


# one content, many forms


FORMS = {
    "data.csv": TABLE,
    "data.tsv": TABLE.replace("?,", "?\t").replace("货,", "货\t").replace('",other', '"\tother').replace("t,l", "t\tl"),
    "semicolons.csv": TABLE.replace("?,", "?;")
    .replace("货,", "货;")
    .replace('",other', '";other')
    .replace("t,l", "t;l"),
    "no_header.csv": TABLE.removeprefix("text,label\n"),
    "label_first.csv": "sentiment,review\n"
    + "".join(f'{label},"{text.replace(chr(34), 2 * chr(34))}"\n' for text, label in PAIRS),
    "utterance.csv": TABLE.replace("text,label", "utterance,intent"),
    "data.jsonl": "".join(json.dumps({"label": label, "text": text}) + "\n" for text, label in PAIRS),
    "list.json": json.dumps([{"text": text, "label": label} for text, label in PAIRS], indent=1),
    "clinc.json": json.dumps({"val": [["no", "no"]], "train": PAIRS}),
}


@pytest.mark.parametrize("name", FORMS)
def test_one_content_in_every_form_has_one_hash(name: str) -> None:
    dataset = parsed(FORMS[name], name)
    assert pairs(dataset) == PAIRS
    assert dataset.labels == ("other", "return", "tracking")
    assert dataset.sha256 == parsed(TABLE).sha256
    assert set(dataset.mapping) == {"text", "label"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"])
def test_encodings_are_told(encoding: str) -> None:
    assert pairs(parsed(TABLE.encode(encoding))) == PAIRS


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_do_not_matter(end: str) -> None:
    table = TABLE.replace("\n", end)
    assert [label for _, label in pairs(parsed(table))] == [label for _, label in PAIRS]


def test_a_gzipped_file_is_read_by_what_is_in_it() -> None:
    assert pairs(parsed(gzip.compress(FORMS["data.jsonl"].encode()), "data.jsonl.gz")) == PAIRS
    with pytest.raises(BadInput, match="damaged gzip"):
        parsed(gzip.compress(b"text,label\n")[:-6], "data.csv.gz")


@given(st.lists(st.tuples(texts, labels), min_size=1, max_size=8))
def test_any_table_round_trips(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    folder = tmp_path_factory.mktemp("tables")
    examples = [Example(text, label, row) for row, (text, label) in enumerate(rows, start=2)]
    dataset = dataset_of(examples, mapping={"text": "text", "label": "label"}, format="csv")
    for name in ("t.csv", "t.tsv", "t.jsonl", "t.jsonl.gz"):
        write(dataset, folder / name)
        again = read(folder / name)
        assert [(each.text, each.label) for each in again.examples] == [
            (text, None if label.casefold() in ("oos", "out_of_scope", "out-of-scope") else label)
            for text, label in rows
        ]
        assert again.sha256 == dataset.sha256


@given(
    st.binary(max_size=300), st.sampled_from(["a.csv", "a.tsv", "a.json", "a.jsonl", "a.yml", "a.conll", "a.txt", "a"])
)
def test_no_bytes_crash_the_reading(data: bytes, name: str) -> None:
    for skip in (False, True):
        try:
            read_bytes(data, name=name, skip_bad=skip)
        except BadInput as error:
            said = error.sentence
        else:
            said = name
        assert said.startswith(name)


@given(
    st.text(st.sampled_from('text,label\n"\t;{}[]: #=-|\x00é问'), max_size=80),
    st.sampled_from(["a.csv", "a.json", "a.yml", "a.jsonl"]),
)
def test_no_text_of_marks_crashes_the_reading(data: str, name: str) -> None:
    try:
        read_bytes(("text,label\n" + data).encode() if name == "a.csv" else data.encode(), name=name, skip_bad=True)
    except BadInput as error:
        said = error.sentence
    else:
        said = name
    assert said.startswith(name)


# columns


def test_rows_and_other_columns_are_kept() -> None:
    dataset = parsed("id,text,intent,category,lang,group_id\n7,hello there,greet,talk,EN,g1\n8,bye,leave,,,\n")
    first, second = dataset.examples
    assert first == Example("hello there", "greet", 2, "en", "g1", None, {"id": "7", "category": "talk"})
    assert second == Example("bye", "leave", 3, None, None, None, {"id": "8"})
    assert dataset.mapping == {"text": "text", "label": "intent", "language": "lang", "group": "group_id"}
    assert dataset.format == "csv"


def test_columns_may_be_named() -> None:
    choice = Choice(text="Body", label="team")
    assert pairs(parsed("title,BODY,Team\na,b,c\n", choice=choice)) == [("b", "c")]
    with pytest.raises(BadInput, match=r"no column 'nobody' for the text. Columns: 'text', 'label'"):
        parsed("text,label\na,b\n", choice=Choice(text="nobody"))


def test_scores_are_numbers() -> None:
    dataset = parsed("text,score\ngood,0.5\nbad,-1\n")
    assert [each.score for each in dataset.examples] == [0.5, -1.0]
    assert dataset.labels == ()
    assert parsed("id,mean_rating,text\n1,2.5,fine\n").examples[0].score == 2.5
    assert parsed("text,label,rating\na,b,high\n").examples[0].extra == {"rating": "high"}


def test_out_of_scope_is_no_label(tmp_path: Path) -> None:
    dataset = parsed("text,label\nwhere is the dipstick,oos\nhi,greet\n")
    assert pairs(dataset) == [("where is the dipstick", None), ("hi", "greet")]
    assert dataset.labels == ("greet",)
    write(dataset, tmp_path / "again.csv")
    assert read(tmp_path / "again.csv").sha256 == dataset.sha256


def test_texts_without_labels_are_a_dataset_too() -> None:
    dataset = parsed("question,answer\nHow?,So.\n")
    assert (dataset.mapping, dataset.labels, dataset.examples[0].extra) == ({"text": "question"}, (), {"answer": "So."})


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("file,bytes,what\na,b,c\n", "names no column that looks like texts"),
        ("question,question,answer\na,b,c\n", "stands twice"),
        ("text,label\n", "has no rows"),
        ("", "is empty"),
        ("  \n", "is empty"),
    ],
)
def test_a_table_that_cannot_be_understood_is_refused(table: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parsed(table)


# bad rows


def test_each_bad_row_is_named_with_its_column_and_fix() -> None:
    table = 'text,label,score\n ,a,1\nb,,1\nc,a\nd,a,1,x\ne\x00,a,1\nf,a,two\ng,a,nan\nh,a,1\n"open,a,1\ni,a,1\n'
    found = {bad.row: (bad.column, bad.problem) for bad in bad_rows(table)}
    assert found == {
        2: ("text", "the text is empty"),
        3: ("label", "the label is missing"),
        4: ("", "2 columns where the file has 3"),
        5: ("", "4 columns where the file has 3"),
        6: ("text", "a NUL character"),
        7: ("score", "a number is expected, found 'two'"),
        8: ("score", "a number is expected, found 'nan'"),
        10: ("", "a quote is not balanced (unexpected end of data)"),
    }
    assert all(bad.fix for bad in bad_rows(table))
    rest = parsed(table, skip_bad=True)
    assert [each.text for each in rest.examples] == ["h", "i"]
    assert [each.row for each in rest.examples] == [9, 11]
    assert [bad.row for bad in rest.bad] == list(found)


def test_bytes_that_are_not_utf8_are_named() -> None:
    [bad] = bad_rows("text,label\n你好 好的 很好,a\n".encode() + b"caf\xff\xfe \x80,a\n" + "再见 再会,b\n".encode())
    assert (bad.row, bad.column, bad.fix) == (3, "text", "save the file as UTF-8")


def test_the_error_lists_the_first_twenty_and_counts_all() -> None:
    with pytest.raises(BadRows) as caught:
        parsed("text,label\nfine,a\n" + "x,\n" * 30)
    sentence = caught.value.sentence
    assert sentence.splitlines()[0] == "data.csv: 30 of 31 rows cannot be used."
    assert sentence.splitlines()[1].strip().startswith("line 3, column label: the label is missing; write one")
    assert len(sentence.splitlines()) == 22
    assert sentence.endswith("and 10 more")


def test_nothing_but_bad_rows_is_an_error_even_when_they_are_skipped() -> None:
    with pytest.raises(BadRows):
        parsed("text,label\nx,\n", skip_bad=True)


def test_nothing_but_open_quotes_is_given_up() -> None:
    table = "text,label\n" + '"a""b""c,x\n' * 3000
    with pytest.raises(BadInput, match="1,000 rows and more have a quote that is not balanced, the first in line 2"):
        parsed(table, skip_bad=True)
    assert len(parsed(table.replace(",", "\t"), "data.tsv").examples) == 3000, (
        "in TSV a quote may be a sign like others"
    )


def test_json_lines_name_their_lines() -> None:
    lines = [
        '{"text": "a", "label": "b"}',
        "{oops}",
        "",
        '{"text": "c"}',
        '{"text": "d", "text": "e"}',
        '["f", "g"]',
        "3",
    ]
    found = {bad.row: bad.problem for bad in bad_rows("\n".join(lines), "a.jsonl")}
    assert set(found) == {2, 4, 5, 7}
    assert "column 2" in found[2]
    assert found[4] == "the label is missing"
    assert found[5] == "not JSON: 'text' stands twice in an object"
    deep = '{"text": ' + "[" * 100_000
    assert "not JSON" in bad_rows('{"text":"a","label":"b"}\n' + deep, "a.jsonl")[0].problem


def test_half_a_character_in_json_is_a_bad_row() -> None:
    [bad] = bad_rows('{"text": "a", "label": "b"}\n{"text": "\\ud83d", "label": "b"}\n', "a.jsonl")
    assert (bad.row, bad.column) == (2, "text")


def test_size_limits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 100)
    monkeypatch.setattr(reading, "MOST_ROWS", 3)
    (tmp_path / "big.csv").write_text("text,label\n" + "a,b\n" * 100)
    for data in (b"x" * 101, gzip.compress(b"x" * 101)):
        with pytest.raises(TooLarge):
            parsed(data)
    with pytest.raises(TooLarge, match=r"big\.csv"):
        read(tmp_path / "big.csv")
    with pytest.raises(TooLarge, match="4 rows"):
        parsed("text,label\n" + "a,b\n" * 4)
    long = "x" * (reading.MOST_CHARACTERS + 1)
    monkeypatch.undo()
    assert "20,001 characters" in bad_rows(f"text,label\n{long},a\n")[0].problem


# the other formats


def test_clinc_json_takes_a_split_and_its_out_of_scope_texts() -> None:
    document = '{"val": [["v", "x"]],\n "train": [["a", "x"],\n ["b", "y"]],\n "oos_train": [["c", "oos"]]}'
    dataset = parsed(document, "data_full.json")
    assert pairs(dataset) == [("a", "x"), ("b", "y"), ("c", None)]
    assert [each.row for each in dataset.examples] == [2, 3, 4]
    assert dataset.format == "clinc json, split train + oos_train"
    assert pairs(parsed(document, "data_full.json", split="val")) == [("v", "x")]
    with pytest.raises(BadInput, match="no split 'test'"):
        parsed(document, "data_full.json", split="test")


RASA = """version: "3.1"
nlu:
- intent: book
  examples: |
    - to [Berlin](city) please
    - from [Rome]{"entity": "city", "role": "from"} today
    not an example
- intent: chitchat/name
  examples:
  - text: who are you
  - what is [your](owner) name
- synonym: credit
  examples: |
    - credit card
"""


def test_rasa_markup_is_taken_off() -> None:
    dataset = parsed(RASA, "nlu.yml", skip_bad=True)
    assert pairs(dataset) == [
        ("to Berlin please", "book"),
        ("from Rome today", "book"),
        ("who are you", "chitchat/name"),
        ("what is your name", "chitchat/name"),
    ]
    assert [each.row for each in dataset.examples] == [5, 6, 10, 11]
    assert [(bad.row, bad.problem) for bad in dataset.bad] == [(7, "an example without its dash")]


@pytest.mark.parametrize(
    "text", ["nlu: [", "a: 1", "nlu: 3", "nlu:\n- &a [*a]", "[" * 5000, "nlu: " + "[" * 90_000, "a: " + "{a: " * 90_000]
)
def test_yaml_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parsed(text, "nlu.yml")


def test_conll_blocks_are_examples() -> None:
    block = "# id = 1\n# text-en = Rain?\n# text = 今天会下雨吗？\n# intent = weather/find\n1\t今天\tweather/find\tO\n"
    dataset = parsed(block + "\n\n# intent = greet\n1\thi\tgreet\tO\n2\tyou\tgreet\tO\n", "zh.conll")
    assert pairs(dataset) == [("今天会下雨吗？", "weather/find"), ("hi you", "greet")]
    assert [each.row for each in dataset.examples] == [3, 8]
    assert bad_rows(block + "\n# text = no intent\n", "zh.conll")[0].row == 7


def test_chats_give_the_question_before_the_reply() -> None:
    chat = [("system", "be kind"), ("user", "hi"), ("assistant", "hello"), ("user", "my order?"), ("assistant", "sent")]
    openai = json.dumps({"messages": [{"role": role, "content": content} for role, content in chat]})
    sharegpt = json.dumps({"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello"}]})
    [example] = parsed(openai, "chat.jsonl").examples
    assert (example.text, example.extra["reply"], len(json.loads(example.extra["messages"]))) == (
        "my order?",
        "sent",
        5,
    )
    dataset = parsed(f"[{sharegpt}]", "s.json")
    assert (dataset.format, dataset.examples[0].text, dataset.examples[0].extra["reply"]) == (
        "sharegpt json",
        "hi",
        "hello",
    )
    broken = (
        openai
        + '\n{"messages": [{"role": "assistant", "content": "x"}]}\n{"messages": []}\n{"messages": [{"role": 1}]}'
    )
    assert [bad.row for bad in bad_rows(broken, "chat.jsonl")] == [2, 3, 4]


def test_instructions_and_preferences() -> None:
    alpaca = parsed('[{"instruction": "Translate", "input": "cat", "output": "猫"}]', "alpaca.json")
    assert (alpaca.format, alpaca.examples[0].text, alpaca.examples[0].extra) == (
        "alpaca json",
        "Translate\ncat",
        {"reply": "猫"},
    )
    rows = '{"prompt": "p", "chosen": "c", "rejected": "r"}\n{"prompt": "p", "chosen": "", "rejected": "r"}\n'
    preference = parsed(rows, "pairs.jsonl", skip_bad=True)
    assert preference.examples[0].extra == {"chosen": "c", "rejected": "r"}
    assert [(bad.row, bad.column) for bad in preference.bad] == [(2, "chosen")]


def test_chats_and_preferences_are_read_again_as_they_were_written(tmp_path: Path) -> None:
    chat = '{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}], "id": 1}'
    for data in (chat, '{"prompt": "p", "chosen": "c", "rejected": "r"}', '{"instruction": "i", "output": "o"}'):
        dataset = parsed(data, "data.jsonl")
        for name in ("again.jsonl", "again.csv"):
            write(dataset, tmp_path / name)
            again = read(tmp_path / name)
            assert (again.sha256, again.examples[0].extra) == (dataset.sha256, dataset.examples[0].extra)


def test_folders_without_pictures_and_uploaded_idx_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no pictures"):
        read(_empty(tmp_path))
    with pytest.raises(BadInput, match="its labels lie in another one"):
        parsed(gzip.compress(b"\x00\x00\x08\x03" + b"\x00" * 20), "train-images-idx3-ubyte.gz")


def _empty(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def test_what_is_not_text_is_said(tmp_path: Path) -> None:
    for data in (b"PK\x03\x04\xff\xfe\x80\x81\x82\x00\x00\x00", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 50):
        with pytest.raises(BadInput, match="not text"):
            parsed(data, "table.xlsx")
    with pytest.raises(BadInput, match=r"nowhere\.csv cannot be read: No such file"):
        read(tmp_path / "nowhere.csv")
