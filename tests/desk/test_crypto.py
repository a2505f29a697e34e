"""Sealing, signing, and the installation's key in its file."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kefu.desk import crypto
from kefu.kit.errors import BadInstallation, NotSignedIn

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))


@given(text=st.text(), about=st.text(max_size=40))
def test_what_is_sealed_opens_to_the_same(text: str, about: str) -> None:
    plain = text.encode("utf-8", "surrogatepass")
    assert crypto.unseal(KEY, crypto.seal(KEY, plain, about=about), about=about) == plain


def test_the_same_text_is_sealed_differently_every_time() -> None:
    assert len({crypto.seal(KEY, "secret") for _ in range(50)}) == 50
    assert b"secret" not in crypto.seal(KEY, "secret")


@given(place=st.integers(0, 33), bit=st.integers(0, 7))
def test_one_changed_bit_is_noticed(place: int, bit: int) -> None:
    sealed = bytearray(crypto.seal(KEY, "secret", about="row"))
    sealed[place] ^= 1 << bit
    with pytest.raises(BadInstallation):
        crypto.unseal(KEY, bytes(sealed), about="row")


def test_another_key_another_row_and_rubbish_open_nothing() -> None:
    sealed = crypto.seal(KEY, "secret", about="row-1")
    for key, data, about in [(OTHER_KEY, sealed, "row-1"), (KEY, sealed, "row-2"), (KEY, sealed[:20], "row-1")]:
        with pytest.raises(BadInstallation, match="secret key"):
            crypto.unseal(key, data, about=about)
    for rubbish in (b"", b"x" * 5, b"x" * 200):
        with pytest.raises(BadInstallation):
            crypto.unseal(KEY, rubbish)


@given(payload=st.dictionaries(st.text(max_size=8).filter(lambda name: name != "exp"), st.text(max_size=20)))
def test_a_token_says_what_was_signed(payload: dict[str, str]) -> None:
    said = crypto.verify(crypto.sign(payload, purpose="visitor", seconds=60), purpose="visitor")
    assert {name: value for name, value in said.items() if name != "exp"} == payload


@given(token=st.text(max_size=60))
def test_a_forged_token_says_nothing(token: str) -> None:
    with pytest.raises(NotSignedIn):
        crypto.verify(token, purpose="visitor")


def test_a_token_is_for_one_purpose_and_for_a_time() -> None:
    token = crypto.sign({"w": "ws_1"}, purpose="visitor", seconds=60)
    body, _, signature = token.partition(".")
    other = crypto.sign({"w": "ws_2"}, purpose="visitor", seconds=60).partition(".")[0]
    for forged, purpose in [(token, "invitation"), (f"{other}.{signature}", "visitor"), (f"{body}.", "visitor")]:
        with pytest.raises(NotSignedIn, match="not valid"):
            crypto.verify(forged, purpose=purpose)
    with pytest.raises(NotSignedIn, match="expired"):
        crypto.verify(crypto.sign({"w": "ws_1"}, purpose="visitor", seconds=-2), purpose="visitor")


def test_each_purpose_has_a_key_of_its_own() -> None:
    keys = {crypto.derived_key(purpose) for purpose in ("workspaces", "django", "visitor")}
    assert len(keys) == 3


# The installation's key is read once a process, so each of these asks a process of its own.


def key_of(home: Path, secret_key: str = "") -> str:
    """The key derived for a purpose in that home, or the sentence that says why there is none."""
    program = """
from kefu.desk import crypto
from kefu.kit.errors import KefuError
try:
    print(crypto.derived_key("test").hex())
except KefuError as error:
    print(error.code, error.sentence)
"""
    environment = {**os.environ, "KEFU_HOME": str(home), "KEFU_SECRET_KEY": secret_key}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first, again = key_of(tmp_path), key_of(tmp_path)
    assert first == again
    path = tmp_path / "secret.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(base64.b64decode(path.read_bytes())) == 32
    (tmp_path / "other").mkdir()
    assert key_of(tmp_path / "other") != first


@pytest.mark.parametrize("content", [b"", b"short", b"\xff\xfe", base64.b64encode(b"x" * 31)])
def test_a_damaged_key_is_never_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(content)
    said = key_of(tmp_path)
    assert said.startswith("bad_installation")
    assert str(path) in said
    assert "backup" in said
    assert path.read_bytes() == content


def test_the_key_may_come_from_the_settings(tmp_path: Path) -> None:
    given = base64.b64encode(KEY).decode()
    assert key_of(tmp_path, given) == key_of(tmp_path, given)
    assert not (tmp_path / "secret.key").exists()
    for bad in ("nonsense!", base64.b64encode(b"short").decode()):
        assert "KEFU_SECRET_KEY must be the base64 of exactly 32 bytes" in key_of(tmp_path, bad)
