"""`kefu transcribe` and `kefu speak` as somebody at a terminal meets them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from kefu.cli import cli
from kefu.kit.errors import KefuError
from kefu.knowledge.sound import decode, sound_kind

RECORDED = Path(__file__).parents[1] / "engines" / "speech" / "fixtures" / "en_lj_LJ001-0002.wav"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("speech")]


def kefu(*arguments: str) -> str:
    done = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_recording_is_written_down_as_json() -> None:
    heard = json.loads(kefu("transcribe", str(RECORDED), "--json"))
    assert set(heard) == {"text", "language", "segments"}
    assert "modern" in heard["text"]
    assert heard["language"] == "en"
    assert set(heard["segments"][0]) == {"start", "end", "text"}


def test_what_is_spoken_is_heard_again(tmp_path: Path) -> None:
    kefu("speak", "Your parcel arrives on Monday.", "--out", str(tmp_path / "said.ogg"))
    assert sound_kind((tmp_path / "said.ogg").read_bytes()).ending == "ogg"
    assert "Monday" in kefu("transcribe", str(tmp_path / "said.ogg"))


def test_the_format_follows_the_file_s_ending_or_the_option(tmp_path: Path) -> None:
    kefu("speak", "您好。", "--out", str(tmp_path / "said.wav"))
    assert 0.3 < decode((tmp_path / "said.wav").read_bytes()).seconds < 4
    kefu("speak", "您好。", "--out", str(tmp_path / "said.bin"), "--format", "amr")
    assert sound_kind((tmp_path / "said.bin").read_bytes()).ending == "amr"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("transcribe", "nowhere.wav"), "cannot be read: No such file"),
        (("transcribe", __file__), "no sound that can be read"),
        (("speak", "Hello", "--out", "said.doc"), "no format of sound"),
        (("speak", "…", "--out", "said.wav"), "no words to read aloud"),
        (("speak", "Hello", "--out", "no/such/folder/said.wav"), "no folder"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(
    arguments: tuple[str, ...], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KefuError, match=reason):
        kefu(*arguments)
