"""A picture in a conversation: the workspace's own model tells what it shows, and that is answered."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("onnx")

from kefu.contracts.model_card import ModelCard
from kefu.desk.actor import system
from kefu.desk.inbox import queries
from kefu.desk.modelhub import actions
from kefu.factory.seal import write_card
from kefu.kit.errors import BadInput

from ..desk.tiny_model import tiny_model
from .conftest import Shop
from .test_attachments import send, upload

DARK, BRIGHT, GREY = 10, 245, 128


def picture(shade: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.full((16, 16), shade, np.uint8)).save(out, "PNG")
    return out.getvalue()


def picture_model(folder: Path) -> Path:
    """Dark pictures are standard delivery, bright ones returns; between them it does not know."""
    from onnx import TensorProto as kinds
    from onnx import helper

    nodes = [
        helper.make_node("Flatten", ["pixels"], ["flat"]),
        helper.make_node("ReduceMean", ["flat"], ["shade"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["shade", "middle"], ["bright"]),
        helper.make_node("Neg", ["bright"], ["dark"]),
        helper.make_node("Concat", ["dark", "bright"], ["both"], axis=1),
        helper.make_node("Mul", ["both", "scale"], ["logits"]),
        helper.make_node("Identity", ["both"], ["sentence_embedding"]),
    ]
    constants = [helper.make_tensor(name, kinds.FLOAT, [1], [v]) for name, v in (("middle", 0.5), ("scale", 20.0))]
    inputs = [helper.make_tensor_value_info("pixels", kinds.FLOAT, ["n", 1, 8, 8])]
    outputs = [helper.make_tensor_value_info(name, kinds.FLOAT, ["n", 2]) for name in ("logits", "sentence_embedding")]
    graph = helper.make_graph(nodes, "shade", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    folder.mkdir()
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    labels = ("standard_delivery_cost", "how_to_return_an_item")
    write_card(folder, ModelCard("photos", "classify", "cnn", "picture", "model.onnx", labels=labels))
    return folder


@pytest.fixture
def sighted(shop: Shop, tmp_path: Path) -> Shop:
    """A shop whose assistant knows two kinds of picture."""
    folder = picture_model(tmp_path / "photos")
    actions.register_folder(system(shop.workspace_id), name="photos", folder=folder, role="picture", go_live=True)
    return shop


def test_a_picture_is_answered_by_what_it_shows(sighted: Shop) -> None:
    thread = sighted.start()
    file = upload(sighted.client, thread, "photo.png", picture(DARK))
    answered = send(sighted.client, thread, attachments=[file["id"]])["reply"]
    assert "¥12" in answered["answer"]
    [seen] = [each for line in queries.messages(system(sighted.workspace_id), thread) for each in line.attachments]
    assert (seen.label, seen.confidence) == ("standard_delivery_cost", pytest.approx(1.0, abs=0.01))


def test_words_beside_a_picture_are_what_is_answered(sighted: Shop) -> None:
    thread = sighted.start()
    file = upload(sighted.client, thread, "photo.png", picture(BRIGHT))
    answered = send(sighted.client, thread, text="What are your opening hours?", attachments=[file["id"]])["reply"]
    assert "9:00" in answered["answer"]
    [seen] = [each for line in queries.messages(system(sighted.workspace_id), thread) for each in line.attachments]
    assert seen.label == "how_to_return_an_item"


@pytest.mark.parametrize("data", [picture(GREY), b"\x89PNG\r\n\x1a\n" + bytes(20)], ids=["unsure", "damaged"])
def test_what_nobody_knows_is_asked_about(sighted: Shop, data: bytes) -> None:
    thread = sighted.start()
    file = upload(sighted.client, thread, "photo.png", data)
    assert send(sighted.client, thread, attachments=[file["id"]])["reply"]["decision"] == "clarify"


def test_a_model_of_texts_looks_at_no_pictures(shop: Shop, tmp_path: Path) -> None:
    kefu = system(shop.workspace_id)
    with pytest.raises(BadInput, match="reads texts"):
        actions.register_folder(kefu, name="words", folder=tiny_model(tmp_path / "words"), role="picture", go_live=True)
    folder = picture_model(tmp_path / "photos")
    with pytest.raises(BadInput, match="reads pictures"):
        actions.register_folder(kefu, name="photos", folder=folder, role="intent", go_live=True)
