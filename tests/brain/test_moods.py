"""The models of mood that come with Kefu: whole, and made on the encoders that come with it."""

from pathlib import Path

import pytest

import kefu.brain
from kefu.contracts.engine import Scorer
from kefu.contracts.model_card import read_card
from kefu.engines.classifier.engine import ClassifierEngine

FOLDERS = sorted(path.parent for path in Path(kefu.brain.__file__).parent.glob("moods/*/card.json"))
# A message of each language that no one could mistake.
TOLD = {
    "en": ("I am furious, this is the worst shop ever and I hate you", "Thank you so much, this is wonderful!"),
    "zh": ("气死我了，垃圾服务，骗子，再也不来了", "非常满意，服务很好，谢谢！"),
}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
async def test_a_model_loads_on_its_encoder_and_tells_anger_from_delight(folder: Path) -> None:
    """When this fails after an encoder was changed: python benchmarks/moods.py --data DIR --out src/kefu/brain/moods"""
    card = read_card(folder)
    assert (card.task, card.languages) == ("score", (folder.name,))
    scorer = ClassifierEngine(f"path:{folder}", {})
    await scorer.load()
    assert isinstance(scorer, Scorer)
    angry, glad = await scorer.score(TOLD[folder.name])
    assert -1 <= angry < -0.3 < 0.1 < glad <= 1
    assert sum(each.bytes for each in card.files) < 600_000
    await scorer.close()
