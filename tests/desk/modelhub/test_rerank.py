"""A workspace's reranker: registered, live in its role, and putting what search finds in order."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kefu.contracts.model_card import ModelCard
from kefu.desk.actor import Role
from kefu.desk.modelhub import actions, rows
from kefu.desk.modelhub.models import DatasetVersion
from kefu.desk.wiring import Wiring, reranked, wiring
from kefu.factory.seal import write_card
from kefu.kit.errors import BadInput
from kefu.kit.runtime import run
from kefu.knowledge.pairs import pairs_of

from ...knowledge.test_search import articles, filled
from ..desks import desk_for
from ..shops import Shop, made_shop
from .conftest import Trained
from .rigs import upload

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "valid three years"


def reader(folder: Path) -> Path:
    """A model that prefers passages with the word warranty."""
    pytest.importorskip("onnx")
    from onnx import TensorProto as kinds
    from onnx import helper
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    make = helper.make_node
    nodes = [
        make("Equal", ["input_ids", "warranty"], ["is"]),
        make("Cast", ["is"], ["number"], to=kinds.FLOAT),
        make("Mul", ["number", "there"], ["counted"]),
        make("ReduceMax", ["counted"], ["logits"], axes=[1], keepdims=1),
        make("Cast", ["attention_mask"], ["there"], to=kinds.FLOAT),
    ]
    nodes = [nodes[-1], *nodes[:-1]]
    given = [helper.make_tensor_value_info(name, kinds.INT64, ["n", "t"]) for name in ("input_ids", "attention_mask")]
    found = [helper.make_tensor_value_info("logits", kinds.FLOAT, ["n", 1])]
    graph = helper.make_graph(nodes, "reader", given, found, [helper.make_tensor("warranty", kinds.INT64, [1], [1])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    folder.mkdir()
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "warranty": 1}, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    card = ModelCard("order", "rerank", "reranker", "onnx", "model.onnx", rerank_reads=4, rerank_weight=1.0)
    write_card(folder, card)
    return folder


@pytest.fixture
def shop() -> Shop:
    return made_shop()


@pytest.fixture
def wired() -> Iterator[Wiring]:
    yield wiring()
    wiring().close()


@pytest.fixture
def live(shop: Shop, tmp_path: Path) -> Any:
    folder = reader(tmp_path / "order")
    return actions.register_folder(shop.kefu, name="order", folder=folder, role="rerank", go_live=True).version


def test_what_search_finds_is_put_in_order(shop: Shop, wired: Wiring, live: Any) -> None:
    chosen = wired.models.reranker(shop.workspace_id)
    assert chosen is not None

    async def found() -> tuple[list[str], list[str]]:
        index = await filled(*articles())
        searched = [await each.search(QUESTION, "en", 2) for each in (index, reranked(index, chosen))]
        return tuple([hit.passage.id for hit in each.hits] for each in searched)  # type: ignore[return-value]

    alone, ordered = run(found())
    assert alone == ["en3", "en2"]
    assert ordered == ["en2", "en3"]
    mind = wired.mind(shop.workspace_id)
    assert mind.tools.versions["rerank"].startswith("order v1 ")


def test_without_one_or_with_the_role_taken_away_search_is_alone(shop: Shop, wired: Wiring, live: Any) -> None:
    assert "rerank" in wired.mind(shop.workspace_id).tools.versions
    desk_for(shop, Role.ADMIN).patch(f"/models/{live.model_id}", {"role": ""})
    wired.change_models(shop.workspace_id)
    assert wired.models.reranker(shop.workspace_id) is None
    assert "rerank" not in wired.mind(shop.workspace_id).tools.versions


def test_only_rerankers_put_passages_in_order(shop: Shop, trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="gives an order of passages; good gives labels"):
        actions.register_folder(shop.kefu, name="order", folder=trained("good"), role="rerank")
    with pytest.raises(BadInput, match="gives labels; order gives an order of passages"):
        actions.register_folder(shop.kefu, name="intents", folder=reader(tmp_path / "order"), role="intent")


def test_it_says_nothing_of_a_text_by_itself(shop: Shop, wired: Wiring, live: Any) -> None:
    refused = desk_for(shop, Role.SUPERVISOR).post(f"/versions/{live.id}/try", {"texts": ["Hello"]}, expect=422)
    assert "puts what search finds in order" in refused["detail"]


def test_the_recipe_and_its_data_are_there_for_members(shop: Shop) -> None:
    desk = desk_for(shop, Role.SUPERVISOR)
    [recipe] = [each for each in desk.get("/recipes")["recipes"] if each["name"] == "reranker"]
    assert recipe["roles"] == ["rerank"]
    assert {"candidates", "hard_negatives", "encoder"} <= {each["name"] for each in recipe["options"]}
    kept = upload(desk, b"question,passage,negative\nhow long?,three years,two days\n", name="pairs.csv")["latest"]
    [pair] = pairs_of(rows.read(DatasetVersion.objects.of(shop.workspace_id).get(id=kept["id"]).file), "it")
    assert (pair.question, pair.passage, pair.negatives) == ("how long?", "three years", ("two days",))
