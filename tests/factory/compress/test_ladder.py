"""The ladder on a tiny network: what each rung does to the model's folder, and when one is refused."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from kefu.contracts.job import Job, Told  # noqa: E402
from kefu.contracts.model_card import ModelCard, read_card  # noqa: E402
from kefu.factory.bases import from_folder, trained_network  # noqa: E402
from kefu.factory.compress.ladder import Made, compress, refusal  # noqa: E402
from kefu.factory.compress.layers import spread  # noqa: E402
from kefu.factory.compress.measure import Measured  # noqa: E402
from kefu.factory.compress.table import read_ladder  # noqa: E402
from kefu.factory.compress.workshop import Form  # noqa: E402
from kefu.factory.export import PROBES, check_files  # noqa: E402
from kefu.factory.run import run  # noqa: E402
from kefu.factory.seal import outputs  # noqa: E402
from kefu.kit.errors import BadInput, BadInstallation  # noqa: E402

from ..lessons import Heard  # noqa: E402
from .models import scoring, trained  # noqa: E402

ANY = 100  # points that any rung may lose


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("ladder"))[0]


@pytest.fixture
def oos(tmp_path: Path) -> Path:
    path = tmp_path / "oos.txt"
    path.write_text("\n".join(f"{one} {two}" for one in "12345" for two in "67890"), encoding="utf-8")
    return path


def climb(model: Path, out: Path, tell: Any = None, **given: Any) -> Mapping[str, Any]:
    fields = {name: str(given.pop(name)) for name in ("oos", "valid", "data") if name in given}
    job = Job("compress", model=str(model), out=str(out), options=given, **fields)
    return compress(job, tell or Heard())


def test_every_rung_is_judged_and_the_last_kept_one_is_the_output(model: Path, oos: Path, tmp_path: Path) -> None:
    heard, out = Heard(), tmp_path / "small"
    given = {"frequent": 5, "allow": ANY, "rungs": "int8,trim-vocabulary,drop-layers:1", "oos": oos}
    found = climb(model, out, heard, keep=str(tmp_path / "rungs"), **given)
    rungs = read_ladder(out).rungs
    assert [each.name for each in rungs] == ["fp32", "int8", "trim-vocabulary", "drop-layers:1"]
    assert rungs[0].outcome == "kept"
    assert found["best"] == [each.name for each in rungs if each.outcome == "kept"][-1]
    for each in rungs:
        assert each.size_mb is not None
        assert each.pace is not None
        assert each.figure("ece") is not None
        assert each.figure("oos_auroc") is not None
    assert all(each.against_fp32 is not None for each in rungs[1:])
    kept = [each.size_mb or 0 for each in rungs if each.outcome == "kept"]
    assert kept == sorted(kept, reverse=True)
    assert heard.of(Told.STARTED)[0]["kind"] == "compress"
    for name in ("fp32", "int8", "trim-vocabulary", "drop-layers-1"):
        check_files(tmp_path / "rungs" / name, read_card(tmp_path / "rungs" / name))


def test_the_output_is_a_sealed_model_that_says_how_it_was_made(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "small"
    found = climb(model, out, rungs="int8", allow=ANY)
    card = read_card(out)
    check_files(out, card)
    assert card.serve == "onnx/model_qint8.onnx"
    assert card.variant == "int8"
    assert not (out / "onnx/model.onnx").exists()
    assert card.judged is not None
    assert len(card.parents) == 1
    assert card.scope_threshold is not None
    assert card.metrics["accuracy"] == pytest.approx(found["accuracy"])
    text = (out / "README.md").read_text("utf-8")
    assert "How it was compressed" in text
    assert "| int8 |" in text
    assert (out / "report.html").exists()
    assert outputs(out, PROBES).logits.shape == (len(PROBES), 3)
    base = from_folder(out)  # it can still be trained on
    assert trained_network(base).head.out_features == 3


def made(right: str, size_mb: float, auroc: float | None = None) -> Made:
    card = ModelCard(
        name="m", task="classify", recipe="finetune", runtime="onnx", serve="x", metrics={"size_mb": size_mb}
    )
    flags = np.array([each == "1" for each in right])
    return Made("rung", Form(), Path("/nowhere"), card, Measured(flags, {"oos_auroc": auroc}))


def test_a_rung_that_loses_more_than_allowed_is_refused_with_its_figures() -> None:
    fp32 = made("1111111111", 90, 0.95)
    assert refusal(made("1111111110", 20), fp32, fp32, allow=10) == ""
    assert "loses 20.00 points; 10 are allowed" in refusal(made("1111111100", 20), fp32, fp32, allow=10)
    assert "AUROC falls from 0.9500 to 0.9300" in refusal(made("1111111111", 20, 0.93), fp32, fp32, allow=10)
    assert refusal(made("1111111111", 20, 0.945), fp32, fp32, allow=10) == ""
    best = made("1111111111", 20)
    assert "saves nothing" in refusal(made("1111111111", 21), fp32, best, allow=10)


def test_a_refused_rung_leaves_the_best_before_it(model: Path, tmp_path: Path) -> None:
    climb(model, tmp_path / "small", rungs=["drop-layers:1", "drop-layers:1"], allow=ANY, epochs=0)
    first, second = read_ladder(tmp_path / "small").rungs[1:]
    assert (first.outcome, second.outcome) == ("kept", "refused")
    assert "saves nothing" in second.reason


def test_layers_are_left_out_and_the_rest_is_taught(model: Path, tmp_path: Path) -> None:
    heard = Heard()
    climb(model, tmp_path / "small", heard, rungs="drop-layers:1", epochs=2, allow=ANY)
    config = json.loads((tmp_path / "small" / "config.json").read_text("utf-8"))
    assert config["num_hidden_layers"] == 1
    assert len(heard.of(Told.EPOCH)) == 2
    assert "1 layers" in read_card(tmp_path / "small").variant
    assert not (tmp_path / "small" / "checkpoint").exists()


def test_layers_stay_evenly_spread() -> None:
    assert spread(6, 3) == [1, 3, 5]
    assert spread(6, 4) == [1, 2, 4, 5]
    assert spread(12, 1) == [11]


def test_the_floor_goes_only_where_texts_out_of_scope_show_that_it_may(model: Path, oos: Path, tmp_path: Path) -> None:
    climb(model, tmp_path / "unknown", rungs="drop-floor", allow=ANY)
    assert read_ladder(tmp_path / "unknown").rungs[1].outcome == "skipped"
    climb(model, tmp_path / "known", rungs="drop-floor", allow=ANY, oos=oos)
    rung = read_ladder(tmp_path / "known").rungs[1]
    assert rung.outcome in {"kept", "refused"}
    assert (tmp_path / "known" / "linear").exists() == (rung.outcome == "refused")


def test_what_cannot_be_compressed_is_said(model: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no rung 'int4'"):
        climb(model, tmp_path / "out", rungs="int4")
    with pytest.raises(BadInput, match="Did you mean allow"):
        climb(model, tmp_path / "out", alow=1)
    assert not (tmp_path / "out").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(BadInput, match="not empty"):
        climb(model, tmp_path / "full")


def test_layers_that_no_cut_can_keep_are_said_before_the_first_rung(model: Path, tmp_path: Path) -> None:
    heard = Heard()
    with pytest.raises(BadInput, match="drop-layers:2: the network has 2 layers; keep fewer"):
        climb(model, tmp_path / "out", heard, rungs="int8,drop-layers:2")
    assert heard.of(Told.NOTE) == []


def test_a_model_that_was_altered_is_refused(tmp_path: Path) -> None:
    altered, _ = trained(tmp_path, floor=False)
    weights = altered / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(BadInstallation, match="altered"):
        climb(altered, tmp_path / "out")
    with pytest.raises(BadInstallation, match="altered"):
        run(Job("export", model=str(altered), out=str(tmp_path / "shipped")), Heard())


def test_int8_needs_no_torch(model: Path, tmp_path: Path) -> None:
    """int8 and trimming work, dropped layers are skipped with the install line."""
    done = climb_without(("torch", "transformers"), model, tmp_path / "small")
    assert done.returncode == 0, done.stderr
    assert "'fp32', 'kept'" in done.stdout
    assert "'int8'" in done.stdout
    assert "pip install 'kefu[train]'" in done.stdout


def test_without_onnx_the_install_line_is_told_before_any_work(model: Path, tmp_path: Path) -> None:
    done = climb_without(("onnx",), model, tmp_path / "small")
    assert "onnx is not installed. Install it with: pip install 'kefu[train]'" in done.stderr
    assert not (tmp_path / "small").exists()


def climb_without(absent: tuple[str, ...], model: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """Compress in a process where these modules cannot be imported."""
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {absent!r}:\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from kefu.contracts.job import Job; from kefu.factory.run import run\n"
        f"job = Job('compress', model={str(model)!r}, out={str(out)!r}, options={{'frequent': 5}})\n"
        "found = run(job, lambda *_: None)\n"
        "print([(each['name'], each['outcome'], each['reason']) for each in found['rungs']])\n"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_a_model_that_gives_numbers_is_compressed_by_its_signs(tmp_path: Path) -> None:
    model = scoring(tmp_path)
    climb(model, tmp_path / "small", rungs="int8,trim-vocabulary,drop-layers:1", frequent=5, allow=ANY)
    rungs = read_ladder(tmp_path / "small").rungs
    assert [each.outcome for each in rungs[:2]] == ["kept", "kept"]
    assert rungs[1].figure("mae") is not None
    assert rungs[1].figure("ece") is None
    assert read_card(tmp_path / "small").metrics["sign"] >= 0
