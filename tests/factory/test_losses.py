"""Losses against what their definitions give by hand."""

import math

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from kefu.factory.losses import (  # noqa: E402
    batch_hard_triplet,
    classification,
    contrastive,
    distillation,
    focal,
    supervised_contrastive,
)

TARGETS = torch.tensor([0, 0, 1, 1, 2])


@pytest.fixture
def vectors() -> "torch.Tensor":
    torch.manual_seed(3)
    return functional.normalize(torch.randn(5, 4), dim=1).requires_grad_()


def test_supervised_contrastive_is_the_mean_over_pairs(vectors: "torch.Tensor") -> None:
    scores = (vectors @ vectors.T / 0.1).tolist()
    each = []
    for row in range(4):  # the last text is alone with its label and counts for nothing
        others = [column for column in range(5) if column != row]
        bottom = math.log(sum(math.exp(scores[row][column]) for column in others))
        likes = [column for column in others if TARGETS[column] == TARGETS[row]]
        each.append(-sum(scores[row][column] - bottom for column in likes) / len(likes))
    loss = supervised_contrastive(vectors, TARGETS, temperature=0.1)
    assert float(loss.detach()) == pytest.approx(sum(each) / len(each), rel=1e-4)


def test_batch_hard_triplet_takes_the_hardest(vectors: "torch.Tensor") -> None:
    far = (1 - vectors @ vectors.T).tolist()
    each = []
    for row in range(4):
        likes = [far[row][other] for other in range(5) if other != row and TARGETS[other] == TARGETS[row]]
        unlike = [far[row][other] for other in range(5) if TARGETS[other] != TARGETS[row]]
        each.append(max(0.0, max(likes) - min(unlike) + 0.3))
    loss = batch_hard_triplet(vectors, TARGETS, margin=0.3)
    assert float(loss.detach()) == pytest.approx(sum(each) / len(each), rel=1e-4)


@pytest.mark.parametrize("name", ["supervised_contrastive", "batch_hard_triplet", "none"])
def test_a_batch_without_likes_teaches_nothing(name: str, vectors: "torch.Tensor") -> None:
    loss = contrastive(name, vectors, torch.arange(5), temperature=0.1, margin=0.3)  # type: ignore[arg-type]
    assert float(loss.detach()) == 0.0
    if loss.requires_grad:
        loss.backward()
        assert torch.equal(vectors.grad, torch.zeros(5, 4))


def test_focal_counts_what_is_sure_less() -> None:
    logits, targets = torch.tensor([[4.0, 0.0], [0.5, 0.0]]), torch.tensor([0, 0])
    shares = logits.softmax(1)[:, 0].tolist()
    by_hand = sum((1 - share) ** 2 * -math.log(share) for share in shares) / 2
    assert float(focal(logits, targets, gamma=2.0)) == pytest.approx(by_hand, rel=1e-5)
    plain = classification("cross_entropy", logits, targets, smoothing=0.0, gamma=2.0)
    assert float(focal(logits, targets, gamma=0.0)) == pytest.approx(float(plain))


def test_label_smoothing_wants_less_than_certainty() -> None:
    sure, targets = torch.tensor([[20.0, 0.0]]), torch.tensor([0])
    assert float(classification("cross_entropy", sure, targets, smoothing=0.0, gamma=2.0)) < 1e-6
    assert float(classification("cross_entropy", sure, targets, smoothing=0.1, gamma=2.0)) > 0.5


def test_distillation_is_nothing_for_the_teacher_itself() -> None:
    logits = torch.randn(3, 4)
    assert float(distillation(logits, logits + 5.0, temperature=2.0)) == pytest.approx(0.0, abs=1e-6)
    assert float(distillation(logits, -logits, temperature=2.0)) > 0.0
