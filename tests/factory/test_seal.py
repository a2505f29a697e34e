"""Sealing: the temperature of confidences, and cards that pin what is there."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from kefu.contracts.model_card import ModelCard
from kefu.factory.seal import fit_temperature, write_card


def drawn(rows: int, temperature: float, *, labels: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn from their softmax at a temperature."""
    chance = np.random.default_rng(0)
    logits = 4 * chance.normal(size=(rows, labels))
    shares = softmax(logits / temperature, axis=1)
    return logits.astype(np.float32), np.array([chance.choice(labels, p=each) for each in shares])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_labels_were_drawn_at_is_found(temperature: float) -> None:
    assert fit_temperature(*drawn(4000, temperature)) == pytest.approx(temperature, rel=0.1)


def test_a_few_rows_that_are_all_right_make_no_answer_certain() -> None:
    logits, _ = drawn(400, 1.0)
    right = logits.argmax(axis=1)
    few, many = fit_temperature(logits[:40], right[:40]), fit_temperature(logits, right)
    assert 0.3 < few < 1.0
    assert many < few, "more rows say more"
    assert softmax(logits / few, axis=1).max(axis=1).mean() < 0.99


def test_no_rows_leave_logits_as_they_are() -> None:
    assert fit_temperature(np.zeros((0, 3), np.float32), np.zeros(0, np.int64)) == 1.0


def test_a_card_pins_what_serves_and_not_what_people_read(tmp_path: Path) -> None:
    for name in ("serve.safetensors", "README.md", "report.json", "events.jsonl", "checkpoint/step.safetensors"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * 1000)
    card = write_card(tmp_path, ModelCard("m", "classify", "linear", "linear", "serve.safetensors"))
    assert [file.path for file in card.files] == ["serve.safetensors"]
    assert card.created
    assert write_card(tmp_path, card) == card
