"""Plug-ins: found by entry point, described without being imported, refused in one sentence when they are unsound."""

import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import pytest

from kefu.contracts.engine import Classifier, Encoder, Engine, Generator, Reranker, Scorer, Speaker, Tagger, Transcriber
from kefu.kit import registry
from kefu.kit.errors import BadInstallation, MissingExtra, NotFound

PROTOCOLS = {
    **{"encode": Encoder, "generate": Generator, "classify": Classifier, "score": Scorer},
    **{"tag": Tagger, "rerank": Reranker, "transcribe": Transcriber, "speak": Speaker},
}
Plugin = Callable[..., None]

SOUND = 'title = "Mine"\nclass = "{package}.engine:Mine"\nroles = ["encode"]\n'
ENGINE = """
class Mine:
    def __init__(self, reference, options): ...
    def card(self): ...
    async def load(self): ...
    async def close(self): ...
    async def embed(self, texts, kind): ...
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plugin]:
    """Install a distribution with one plug-in package, as pip would lay it out."""
    monkeypatch.syspath_prepend(tmp_path)

    def plugin(package: str, *, manifest: str = SOUND, code: str = ENGINE, name: str = "", value: str = "") -> None:
        folder = tmp_path / package
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        (folder / "engine.py").write_text(code)
        (folder / "manifest.toml").write_text(manifest.format(package=package))
        told = tmp_path / f"{package}-1.0.dist-info"
        told.mkdir()
        (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (told / "entry_points.txt").write_text(f"[kefu.engines]\n{name or package} = {value or package}\n")
        registry.forget()

    yield plugin
    registry.forget()
    for module in [module for module in sys.modules if module.startswith("plug_")]:
        del sys.modules[module]


def test_our_own_engines_are_all_there() -> None:
    expected = {"onnx", "openai_compat", "openai_compat_encoder", "llamacpp", "scripted", "scripted_encoder"}
    assert expected <= registry.manifests("engines").keys()
    assert not registry.broken("engines")


@pytest.mark.parametrize("kind", ["engines", "channels", "recipes"])
def test_each_entry_point_of_ours_has_a_class_that_keeps_its_word(kind: str) -> None:
    for name, manifest in registry.manifests(kind).items():
        for role in manifest.roles if kind == "engines" else ():
            assert issubclass(registry.load(kind, name, PROTOCOLS[role]), Engine)


def test_engines_for_tests_say_so() -> None:
    found = registry.manifests("engines")
    assert found["scripted"].for_tests
    assert found["scripted_encoder"].for_tests
    assert not found["onnx"].for_tests


def test_a_manifest_is_read_without_importing_the_plugin(install: Plugin) -> None:
    install("plug_sound", code="raise RuntimeError('imported')")
    manifest = registry.manifests("engines")["plug_sound"]
    assert (manifest.title, manifest.roles, manifest.extra) == ("Mine", ("encode",), None)
    assert "plug_sound.engine" not in sys.modules


def test_a_plugin_of_others_is_loaded_like_ours(install: Plugin) -> None:
    install("plug_other")
    assert registry.load("engines", "plug_other", Encoder).__name__ == "Mine"


def test_a_class_that_does_not_fit_is_refused(install: Plugin) -> None:
    install("plug_unfit")
    with pytest.raises(BadInstallation, match="is not a Generator"):
        registry.load("engines", "plug_unfit", Generator)


def test_what_is_no_class_is_refused(install: Plugin) -> None:
    install("plug_function", code="def Mine(): ...")
    with pytest.raises(BadInstallation, match="is not a Encoder"):
        registry.load("engines", "plug_function", Encoder)


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(NotFound, match=r"no engine named 'onyx'.*onnx"):
        registry.load("engines", "onyx", Encoder)


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        ("title = ", "no readable manifest"),
        ('title = "x"\n', "does not say: class"),
        ('class = 3\ntitle = "x"\n', "does not say: class"),
        ("", "does not say: title, class"),
    ],
)
def test_a_broken_plugin_is_named_and_does_not_stop_the_others(install: Plugin, manifest: str, says: str) -> None:
    install("plug_broken", manifest=manifest)
    assert "onnx" in registry.manifests("engines")
    assert "plug_broken" not in registry.manifests("engines")
    assert says in registry.broken("engines")["plug_broken"].sentence
    with pytest.raises(BadInstallation, match=says):
        registry.load("engines", "plug_broken", Encoder)


@pytest.mark.parametrize("value", ["plug_absent_package", "plug_absent.inner"])
def test_a_package_that_is_gone_is_named(install: Plugin, value: str) -> None:
    install("plug_gone", value=value)
    assert "cannot be found" in registry.broken("engines")["plug_gone"].sentence


def test_two_plugins_of_one_name_are_refused(install: Plugin) -> None:
    install("plug_first", name="twin")
    install("plug_second", name="twin")
    assert "Two installed packages" in registry.broken("engines")["twin"].sentence


def test_a_missing_extra_says_the_install_line(install: Plugin) -> None:
    manifest = SOUND + 'extra = "fast"\n'
    install("plug_extra", manifest=manifest, code="import no_such_runtime")
    with pytest.raises(MissingExtra, match=r"no_such_runtime is not installed.*pip install 'kefu\[fast\]'"):
        registry.load("engines", "plug_extra", Encoder)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"code": "import no_such_runtime"}, "cannot be loaded: No module named 'no_such_runtime'"),
        ({"manifest": 'title = "x"\nclass = "{package}.gone:Mine"\nextra = "e"\n'}, "cannot be loaded"),
        ({"manifest": 'title = "x"\nclass = "{package}.engine:Yours"\n'}, "has no plug_damaged.engine:Yours"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_damaged(install: Plugin, changes: dict[str, str], says: str) -> None:
    install("plug_damaged", **changes)
    with pytest.raises(BadInstallation, match=says):
        registry.load("engines", "plug_damaged", Encoder)


def test_every_option_of_an_engine_has_its_line_of_help() -> None:
    from kefu.engines.llamacpp.engine import LlamaCppOptions
    from kefu.engines.onnx.engine import OnnxOptions
    from kefu.engines.openai_compat.engine import GeneratorOptions
    from kefu.engines.openai_compat_encoder.engine import EncoderOptions
    from kefu.engines.scripted.engine import ScriptedOptions
    from kefu.engines.scripted_encoder.engine import ScriptedEncoderOptions

    options = {
        "llamacpp": LlamaCppOptions,
        "onnx": OnnxOptions,
        "openai_compat": GeneratorOptions,
        "openai_compat_encoder": EncoderOptions,
        "scripted": ScriptedOptions,
        "scripted_encoder": ScriptedEncoderOptions,
    }
    for name, kind in options.items():
        assert set(registry.manifests("engines")[name].options) == set(kind.model_fields), name


def test_every_manifest_in_the_tree_has_an_entry_point() -> None:
    spec = find_spec("kefu")
    assert spec is not None
    assert spec.origin is not None
    known = {point.value for kind in ("engines", "channels", "recipes") for point in entry_points(group=f"kefu.{kind}")}
    root = Path(spec.origin).parent
    for path in root.glob("*/*/manifest.toml"):
        tomllib.loads(path.read_text(encoding="utf-8"))
        assert ".".join(("kefu", *path.parent.relative_to(root).parts)) in known
