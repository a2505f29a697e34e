"""What helps members answer, on the command line."""

from pathlib import Path

from .homes import Home


def test_a_conversation_must_exist_and_nothing_is_exported_without_consent(home: Home, tmp_path: Path) -> None:
    home.kefu("keys", "create", "first", "--workspace", "shop")
    for command in ("suggest", "summary", "similar"):
        missing = home.kefu("copilot", command, "conv_nothing")
        assert missing.code == 1
        assert "There is no such conversation" in missing.err
    out = tmp_path / "edits.jsonl"
    done = home.kefu("copilot", "export", "--out", out)
    assert (done.code, out.read_text(encoding="utf-8")) == (0, "")
    assert "0 examples" in done.err
