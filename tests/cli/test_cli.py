"""Every command in a process of its own: what it prints, what it exits with, what it says when it fails."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kefu.cli import COMMANDS

from .homes import FAQ, HELP, Home

ANSWER = {"answer", "decision", "confidence", "language", "citations", "timings_ms"}
ANSWER |= {"quick_replies", "quick_reply_values"}
DECISIONS = {"approved", "extracted", "generated", "clarify", "refuse", "hand_over"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose workspace `shop` knows a little; tests only ask it."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "帮助 中心.md").write_text(HELP, encoding="utf-8")
    (folder / "faq.csv").write_text(FAQ, encoding="utf-8")
    home = Home(folder / "home")
    done = home.kefu("knowledge", "add", folder / "帮助 中心.md", folder / "faq.csv", "-w", "shop", "--json")
    assert done.json == {"added": ["帮助 中心.md", "faq.csv"], "unchanged": [], "failed": []}
    return home


def lines(*rows: object) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


# help


def test_help_names_every_command_and_every_command_helps(new_home: Home) -> None:
    shown = new_home.kefu("--help").out
    for name, (_, _, said) in COMMANDS.items():
        assert re.search(rf"^  {name}\s+{re.escape(said[:30])}", shown, re.MULTILINE), name
    program = "from click.testing import CliRunner\nfrom kefu.cli import COMMANDS, cli\n"
    program += "for name in COMMANDS: assert CliRunner().invoke(cli, [name, '--help']).exit_code == 0, name\n"
    program += "import sys\nprint(sorted({'torch', 'onnxruntime', 'django', 'ray'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], env=new_home.environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
    assert not new_home.path.exists(), "asking for help made a home"


def test_an_unknown_command_or_option_is_a_matter_of_usage(home: Home) -> None:
    for arguments in (
        ["knowlege"],
        ["ask", "--nonsense"],
        ["search"],
        ["ask"],
        ["ask", "q", "--questions", "f"],
        ["mask"],
    ):
        done = home.kefu(*arguments)
        assert done.code == 2, arguments
        assert "Usage:" in done.err or "Error:" in done.err


# knowledge


def test_knowledge_is_added_listed_shown_and_removed(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "资料"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "配送.md").write_text("# 配送\n\n普通配送 12 元。", encoding="utf-8")
    (folder / "faq.csv").write_text(FAQ, encoding="utf-8")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    (folder / ".hidden.md").write_text("not to be read")
    added = home.kefu("knowledge", "add", folder, tmp_path / "nowhere.md", "--workspace", "shop", "--json")
    assert added.code == 0
    assert sorted(added.json) == ["added", "failed", "unchanged"]
    assert sorted(added.json["added"]) == ["faq.csv", "sub/配送.md"]
    failed = {failure["name"]: failure["reason"] for failure in added.json["failed"]}
    assert set(failed) == {"broken.pdf", str(tmp_path / "nowhere.md")}
    assert all(set(failure) == {"name", "reason"} for failure in added.json["failed"])

    again = home.kefu("knowledge", "add", folder, "-w", "shop", "--json")
    assert (again.code, again.json["added"], len(again.json["unchanged"])) == (0, [], 2)
    sources = home.kefu("knowledge", "list", "-w", "shop", "--json").json["sources"]
    assert {source["name"]: source["state"] for source in sources} == {
        "broken.pdf": "failed",
        "faq.csv": "ready",
        "sub/配送.md": "ready",
    }
    page = home.kefu("knowledge", "show", "sub/配送.md", "-w", "shop", "--json").json
    assert page["text"] == "配送\n\n普通配送 12 元。"
    assert {"start", "end", "headings"} == set(page["passages"][0])
    assert home.kefu("knowledge", "remove", "faq.csv", "broken.pdf", "-w", "shop", "--json").json == {
        "removed": ["faq.csv", "broken.pdf"]
    }
    assert "There is no source 'faq.csv'" in home.refuses("knowledge", "remove", "faq.csv", "-w", "shop")
    assert len(home.kefu("knowledge", "list", "-w", "shop", "--json").json["sources"]) == 1


def test_adding_what_cannot_be_loaded_exits_with_1_and_says_why(home: Home, tmp_path: Path) -> None:
    (tmp_path / "empty.pdf").touch()
    places = [tmp_path / "empty.pdf", tmp_path / "nowhere", "http://127.0.0.1:1/", "http://[broken", "ftp://a.example/"]
    done = home.kefu("knowledge", "add", *places, "--json")
    assert (done.code, done.json["added"], done.json["unchanged"], len(done.json["failed"])) == (1, [], [], 5)
    reasons = {each["name"]: each["reason"] for each in done.json["failed"]}
    assert reasons["ftp://a.example/"].startswith("Only http and https addresses can be added")
    plain = home.kefu("knowledge", "add", *places)
    assert plain.code == 1
    for failure in done.json["failed"]:
        assert f"{failure['name']}: {failure['reason']}" in plain.err


def test_search_gives_exactly_the_documents_text(shop: Home, tmp_path: Path) -> None:
    found = shop.kefu("knowledge", "search", "How much is delivery?", "-k", "2", "-w", "shop", "--json").json
    assert set(found) == {"results"}
    assert 0 < len(found["results"]) <= 2
    for result in found["results"]:
        assert set(result) == {"document", "title", "text", "start", "end", "score"}
        text = shop.kefu("knowledge", "show", result["document"], "-w", "shop", "--json").json["text"]
        assert result["text"] == text[result["start"] : result["end"]]
        assert len(result["text"]) <= 800
    assert "¥12" in found["results"][0]["text"]
    shown = shop.kefu("knowledge", "search", "opening hours", "-k", "1", "-w", "shop").out
    assert shown.startswith("1. What are your opening hours?"), "a FAQ entry is named by its question"

    rows = lines({"id": 7, "question": "怎么退货"}, {"id": "七", "question": "opening hours", "more": 1})
    (tmp_path / "questions.jsonl").write_text("\ufeff" + rows + "\n\n", encoding="utf-8")
    arguments = ("knowledge", "search", "-k", "1", "-w", "shop", "--json-lines", "--questions")
    from_file = shop.kefu(*arguments, tmp_path / "questions.jsonl").rows
    assert [(row["id"], len(row["results"])) for row in from_file] == [(7, 1), ("七", 1)]
    assert shop.kefu(*arguments, "-", stdin=rows).rows == from_file


# ask


def test_ask_answers_as_a_customer_would_be(shop: Home) -> None:
    asked = shop.kefu("ask", "what are your opening hours", "-w", "shop", "--json").json
    assert set(asked) == ANSWER
    assert (asked["answer"], asked["decision"], asked["language"]) == (
        "We answer from 9:00 to 21:00 every day.",
        "approved",
        "en",
    )
    assert 0 <= asked["confidence"] <= 1
    assert {"title", "text", "url"} <= set(asked["citations"][0])
    assert all(isinstance(ms, int | float) for ms in asked["timings_ms"].values())
    plain = shop.kefu("ask", "what are your opening hours", "-w", "shop").out
    assert "We answer from 9:00 to 21:00 every day." in plain


def test_ask_answers_each_question_of_a_file_in_order(shop: Home) -> None:
    questions = ["怎么退货？", "Who won the chess championship in 1972?", "", "My number is 138 0013 8000"]
    rows = lines(*({"id": number, "question": question} for number, question in enumerate(questions)))
    answers = shop.kefu("ask", "--questions", "-", "-w", "shop", "--json-lines", stdin=rows).rows
    assert [row["id"] for row in answers] == [0, 1, 2, 3]
    assert all(set(row) == ANSWER | {"id"} and row["decision"] in DECISIONS for row in answers)
    assert (answers[0]["answer"], answers[0]["language"]) == ("在订单页申请退货。", "zh")
    assert answers[1]["decision"] == "refuse"
    assert "138 0013 8000" not in repr(answers[3])


# mask


def test_mask_finds_personal_data_with_its_place(new_home: Home, tmp_path: Path) -> None:
    text = "Mail mia@example.com or call 13800138000."
    [masked] = new_home.kefu("mask", text, "--json-lines").rows
    assert set(masked) == {"text", "entities"}
    assert masked["text"] == "Mail <EMAIL_1> or call <PHONE_1>."
    assert [(text[start:end], kind) for start, end, kind in masked["entities"]] == [
        ("mia@example.com", "EMAIL"),
        ("13800138000", "ZH_MOBILE"),
    ]
    assert new_home.kefu("mask", text).out == masked["text"] + "\n"
    (tmp_path / "数据.jsonl").write_text(lines({"text": text}, {"text": "无"}, {"text": ""}), encoding="utf-8")
    rows = new_home.kefu("mask", "--file", tmp_path / "数据.jsonl", "--json-lines").rows
    assert rows == [masked, {"text": "无", "entities": []}, {"text": "", "entities": []}]
    assert not new_home.path.exists(), "masking needs no home"


# rows of files that cannot be used


BAD_ROWS = {
    '{"text": "a"}\n{"text": "b"': "line 2: not JSON",
    "not json": "line 1: not JSON",
    '{"id": 1}': "line 1: the row lacks text",
    "[]": "line 1: the row lacks text",
    '"text"': "line 1: the row lacks text",
    "\n\n7": "line 3: the row lacks text",
    "[" * 100_000: "line 1: not JSON",
    '{"text": ' + "9" * 10_000 + "}": "line 1: not JSON",
    '{"text": null}': "line 1: text is not a text",
    '{"text": ["a"]}': "line 1: text is not a text",
}


@pytest.mark.parametrize("number", range(len(BAD_ROWS)))
def test_a_bad_row_is_named_with_its_line(new_home: Home, tmp_path: Path, number: int) -> None:
    content, says = list(BAD_ROWS.items())[number]
    path = tmp_path / "数据.jsonl"
    path.write_text(content, encoding="utf-8")
    done = new_home.kefu("mask", "--file", path, "--json-lines")
    assert done.code == 1
    assert len(done.err.splitlines()) == 1
    assert f"{path}, {says}" in done.err


def test_a_bad_question_is_named_too_and_those_before_it_are_answered(shop: Home) -> None:
    rows = lines({"id": 1, "question": "opening hours"}) * 32 + lines({"question": "no id"})
    done = shop.kefu("knowledge", "search", "--questions", "-", "-w", "shop", "--json-lines", stdin=rows)
    assert (done.code, len(done.rows)) == (1, 32)
    assert done.err == "kefu: -, line 33: the row lacks id.\n"


def test_files_that_cannot_be_read_are_named(home: Home, tmp_path: Path) -> None:
    (tmp_path / "latin.jsonl").write_bytes(b'{"text": "caf\xe9"}')
    assert "latin.jsonl is not UTF-8 text" in home.refuses("mask", "--file", tmp_path / "latin.jsonl")
    assert "is not UTF-8 text" in home.refuses("mask", "--file", "-", stdin=b'{"text": "caf\xe9"}')
    assert "No such file" in home.refuses("mask", "--file", tmp_path / "nowhere.jsonl")
    assert "Is a directory" in home.refuses("mask", "--file", tmp_path)


def test_what_cannot_be_said_in_utf8_is_still_answered(home: Home) -> None:
    [masked] = home.kefu("mask", "--file", "-", stdin='{"text": "\\ud83d alone"}\n').rows
    assert masked["entities"] == []


def test_a_reader_that_goes_away_is_no_error(home: Home) -> None:
    rows = lines(*({"text": f"call 13800138000 {number}"} for number in range(3_000)))
    command = f"{sys.executable} -m kefu.cli mask --file - --json-lines | head -n 1"
    done = subprocess.run(
        command, shell=True, input=rows.encode(), env=home.environment, capture_output=True, check=False
    )
    assert len(done.stdout.splitlines()) == 1
    assert b"Traceback" not in done.stderr


# workspaces, people, keys, channels, customers


def test_a_workspace_that_is_not_there_is_named_with_those_that_are(shop: Home) -> None:
    for arguments in (["ask", "hello"], ["knowledge", "list"], ["contacts", "erase", "c", "--yes"]):
        assert shop.refuses(*arguments, "-w", "nowhere") == "There is no workspace 'nowhere'. There are: shop."
    assert "small letters" in shop.refuses("keys", "create", "k", "-w", "No Good")


def test_keys_are_created_listed_and_revoked(home: Home) -> None:
    made = home.kefu("keys", "create", "网站", "-w", "shop", "--json").json
    assert set(made) == {"id", "key"}
    assert made["key"].startswith("kefu_")
    limited = home.kefu("keys", "create", "reader", "-w", "shop", "--scope", "knowledge:read", "--json").json
    home.kefu("keys", "revoke", made["id"], "-w", "shop")
    listed = home.kefu("keys", "list", "-w", "shop", "--json")
    keys = {key["id"]: key for key in listed.json["keys"]}
    assert (keys[made["id"]]["name"], keys[made["id"]]["revoked_at"] is None) == ("网站", False)
    assert keys[limited["id"]]["scopes"] == ["knowledge:read"]
    assert made["key"] not in listed.out
    assert "Scopes are" in home.refuses("keys", "create", "k", "-w", "shop", "--scope", "everything")
    assert "no such API key" in home.refuses("keys", "revoke", "key_nowhere", "-w", "shop")


def test_members_are_created_listed_and_get_a_new_password(home: Home) -> None:
    made = home.kefu("members", "create", "Mia@Example.com", "--role", "owner", "-w", "shop", "--json").json
    assert (set(made), made["email"]) == ({"id", "email", "role", "password"}, "mia@example.com")
    reset = home.kefu("members", "reset-password", "mia@example.com", "-w", "shop", "--json").json
    assert (set(reset), reset["password"] != made["password"]) == ({"email", "password"}, True)
    listed = home.kefu("members", "list", "-w", "shop", "--json")
    assert [(member["email"], member["role"]) for member in listed.json["members"]] == [("mia@example.com", "owner")]
    assert made["password"] not in listed.out
    assert "is a member already" in home.refuses("members", "create", "mia@example.com", "-w", "shop")
    assert "not an e-mail address" in home.refuses("members", "create", "nonsense", "-w", "shop")


def test_channels_are_made_and_listed(home: Home) -> None:
    made = home.kefu("channels", "create", "官网", "-w", "shop", "--json").json
    assert (made["kind"], made["name"], made["assistant_on"]) == ("web", "官网", True)
    assert home.kefu("channels", "list", "-w", "shop", "--json").json == {"channels": [made]}
    assert "There is a channel" in home.refuses("channels", "create", "官网", "-w", "shop")


def test_customers_are_exported_and_erased(home: Home, tmp_path: Path) -> None:
    home.kefu("keys", "create", "k", "-w", "shop")
    program = (
        "from kefu.cli.session import ready, workspace_actor; ready()\n"
        "from kefu.desk.contacts.actions import meet\n"
        "print(meet(workspace_actor('shop'), channel_id='ch', external_id='7', profile={'name': '李雷'}))"
    )
    command = [sys.executable, "-c", program]
    contact = subprocess.run(command, env=home.environment, capture_output=True, text=True, check=True).stdout.strip()
    out = tmp_path / "客户.json"
    assert home.kefu("contacts", "export", contact, "-w", "shop", "--out", out).code == 0
    assert json.loads(out.read_text(encoding="utf-8"))["contact"]["profile"] == {"name": "李雷"}
    assert out.stat().st_mode & 0o777 == 0o600
    assert home.kefu("contacts", "export", contact, "-w", "shop").json["contact"]["id"] == contact
    asked = home.kefu("contacts", "erase", contact, "-w", "shop", stdin="n\n")
    assert (asked.code, "kefu: stopped." in asked.err) == (130, True)
    assert home.kefu("contacts", "erase", contact, "-w", "shop", "--yes").code == 0
    assert home.kefu("contacts", "export", contact, "-w", "shop").json["contact"]["profile"] == {}
    assert "no such contact" in home.refuses("contacts", "erase", "contact_nobody", "-w", "shop", "--yes")
    assert "cannot be written" in home.refuses("contacts", "export", contact, "-w", "shop", "--out", "/proc/no/file")


def test_the_assistant_is_shown_and_set(home: Home) -> None:
    home.kefu("assistant", "set", "answer_threshold=0.7", "tone=formal", "-w", "shop")
    policy = home.kefu("assistant", "show", "-w", "shop", "--json").json["policy"]
    assert (policy["answer_threshold"], policy["tone"]) == (0.7, "formal")
    for value, says in [("answer_threshold=7", "0 to 1"), ("nonsense=1", "nonsense"), ("nonsense", "NAME=VALUE")]:
        assert says in home.refuses("assistant", "set", value, "-w", "shop")
    assert "No engine runs" in home.refuses("assistant", "set", "--generator", "nonsense", "-w", "shop")
    assert "is empty" in home.refuses("assistant", "set", "--api-key-env", "NOT_SET", "-w", "shop")


def test_a_generator_is_chosen_by_its_sound_files_wherever_the_server_works(home: Home, tmp_path: Path) -> None:
    home.kefu("assistant", "set", "tone=formal", "-w", "shop")
    (tmp_path / "writer").mkdir()
    weights = tmp_path / "writer" / "model.gguf"
    weights.write_bytes(b"GGUF")
    file = {"path": weights.name, "sha256": hashlib.sha256(b"GGUF").hexdigest()}
    (tmp_path / "writer" / "card.json").write_text(json.dumps({"name": "writer", "files": [file]}), encoding="utf-8")
    choose = ("assistant", "set", "-w", "shop", "--generator")
    home.kefu(*choose, "path:writer", folder=tmp_path)
    shown = home.kefu("assistant", "show", "-w", "shop", "--json").json["generator"]
    assert shown == f"path:{tmp_path / 'writer'}"
    weights.write_bytes(b"other")
    assert "is damaged" in home.refuses(*choose, "path:writer", folder=tmp_path)
    assert "minilm-en is no generator" in home.refuses(*choose, "package:minilm-en")
    home.kefu(*choose, "none")


def test_a_registered_generator_is_chosen_by_its_models_name(home: Home, tmp_path: Path) -> None:
    weights, folder = b"GGUF", tmp_path / "writer"
    folder.mkdir()
    (folder / "model.gguf").write_bytes(weights)
    file = {"path": "model.gguf", "sha256": hashlib.sha256(weights).hexdigest(), "bytes": len(weights)}
    card = {"name": "writer", "task": "generate", "recipe": "sft_lora", "runtime": "gguf", "serve": "model.gguf"}
    (folder / "card.json").write_text(json.dumps({**card, "files": [file]}), encoding="utf-8")
    home.kefu("models", "register", folder, "--name", "writer", "-w", "shop")
    choose = ("assistant", "set", "-w", "shop", "--generator")
    assert "No version of writer is live" in home.refuses(*choose, "model:writer")
    home.kefu("models", "promote", "writer", 1, "--override", "--reason", "It is the first.", "-w", "shop")
    assert "generator: version:ver_" in home.kefu(*choose, "model:writer").out
    home.kefu("assistant", "set", "tone=formal", "-w", "other")
    assert "no such model" in home.refuses("assistant", "set", "-w", "other", "--generator", "model:writer")
