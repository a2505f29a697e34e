"""How an encoder is taught: a question is to be nearer to what answers it than to all else of its batch."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from encoders import Encoder
from lessons import Lesson

BUCKET = 24  # texts of like length that are run together
BACKWARDS = 0.3  # weight of finding the questions for a paragraph, and of telling them from those near it
ALIKE = 0.5  # weight of finding the other questions of the same paragraph
WARM = 0.1  # share of the steps in which the learning rate rises

Tensor = torch.Tensor


@dataclass(frozen=True)
class Course:
    """How fast which layers learn. `scale` is the inverse temperature of cosines."""

    scale: float
    frozen_layers: int  # the lowest ones, beside the word table: what words mean is left alone
    learning_rate: float


@dataclass(frozen=True)
class Reader:
    """An encoder with its prefixes.

    `in_16_bits`: it learns in bfloat16, twice as fast on processors that have it.
    """

    encoder: Encoder
    query: str
    passage: str
    in_16_bits: bool = False

    def questions(self, texts: Sequence[str]) -> Tensor:
        return self._vectors([self.query + text for text in texts])

    def passages(self, texts: Sequence[str]) -> Tensor:
        return self._vectors([self.passage + text for text in texts])

    def _vectors(self, texts: Sequence[str]) -> Tensor:
        """Vectors in the order of the texts, run in buckets of like length."""
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        made = []
        for start in range(0, len(order), BUCKET):
            found = self.encoder.tokenizer.encode_batch([texts[at] for at in order[start : start + BUCKET]])
            ids = torch.tensor([each.ids for each in found])
            mask = torch.tensor([each.attention_mask for each in found])
            with torch.autocast("cpu", torch.bfloat16, enabled=self.in_16_bits and self.encoder.module.training):
                made.append(self.encoder.module(ids, mask).float())
        return torch.cat(made)[torch.tensor(order).argsort()]


def train(reader: Reader, steps: Sequence[Sequence[Lesson]], course: Course) -> None:
    """One pass over the batches."""
    learnt = _freeze(reader.encoder, course.frozen_layers)
    optimiser = torch.optim.AdamW(learnt, lr=course.learning_rate, weight_decay=0.01)
    warm, total = WARM * len(steps), len(steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, max(0.02, (total - step) / ((1 - WARM) * total)))
    )
    started, since = time.monotonic(), 0.0
    reader.encoder.module.train()
    for number, batch in enumerate(steps, start=1):
        loss = loss_of(reader, batch, course.scale)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learnt, 1.0)
        optimiser.step()
        schedule.step()
        since += loss.item()
        if number % 10 == 0:
            print(f"step {number}/{total} loss {since / 10:.3f} {time.monotonic() - started:.0f} s", flush=True)
            since = 0.0
    reader.encoder.module.eval()


def _freeze(encoder: Encoder, layers: int) -> list[torch.nn.Parameter]:
    bert = encoder.module.bert
    bert.embeddings.requires_grad_(False)
    for layer in bert.encoder.layer[:layers]:
        layer.requires_grad_(False)
    for module in encoder.module.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.05
    return [each for each in encoder.module.parameters() if each.requires_grad]


def loss_of(reader: Reader, batch: Sequence[Lesson], scale: float) -> Tensor:
    """Cross entropy of question to paragraph, of paragraph to its questions, and of question to its like."""
    asked = [(question, place) for place, lesson in enumerate(batch) for question in lesson.questions]
    near = [(question, place) for place, lesson in enumerate(batch) for question in lesson.near]
    vectors = reader.questions([question for question, _ in (*asked, *near)])
    passages = reader.passages([lesson.passage for lesson in batch])
    place = torch.tensor([at for _, at in (*asked, *near)])
    is_near = torch.arange(len(place)) >= len(asked)
    questions, own = vectors[~is_near], place[~is_near]
    to_passages = questions @ passages.T * scale
    forwards = torch.nn.functional.cross_entropy(to_passages, own)
    # A question near one paragraph may be answered by another, so that it is only wrong beside its own.
    is_own = place[None, :] == torch.arange(len(batch))[:, None]
    backwards = _spread(passages @ vectors.T * scale, is_own & ~is_near, ~is_own & is_near)
    is_like = own[:, None] == place[None, :]
    apart = torch.eye(len(own), len(place), dtype=torch.bool)
    right = is_like & ~is_near & ~apart
    if not right.any():  # one question each
        return forwards + BACKWARDS * backwards
    alike = _spread(questions @ vectors.T * scale, right, apart | (~is_like & is_near))
    return forwards + BACKWARDS * backwards + ALIKE * alike


def _spread(scores: Tensor, right: Tensor, left_out: Tensor) -> Tensor:
    """Mean cross entropy of each right score against all wrong ones of its row."""
    wrong = scores.masked_fill(right | left_out, -torch.inf).logsumexp(1, keepdim=True)
    return (torch.logaddexp(scores, wrong.expand_as(scores)) - scores)[right].mean()


@torch.no_grad()
def measure(when: str, reader: Reader, held: Sequence[Lesson]) -> None:
    """On the held-out shops: the paragraph for a question, its like for a question, and questions from those near."""
    texts = [f"{lesson.topic}\n{lesson.passage}" if lesson.titled else lesson.passage for lesson in held]
    passages = reader.passages(texts)
    own = torch.tensor([place for place, lesson in enumerate(held) for _ in lesson.questions])
    questions = reader.questions([question for lesson in held for question in lesson.questions])
    near = reader.questions([question for lesson in held for question in lesson.near])
    scores = questions @ passages.T
    rank = (scores > scores.gather(1, own[:, None])).sum(1)
    alike = questions @ questions.T - 2 * torch.eye(len(own))
    found = (own[alike.argmax(1)] == own).float().mean()
    above = (scores.max(1).values[:, None] > (near @ passages.T).max(1).values[None, :]).float().mean()
    print(
        f"{when}: {len(own)} questions, R@1 {(rank == 0).float().mean():.3f}, R@5 {(rank < 5).float().mean():.3f}, "
        f"like question {found:.3f}, above a near one {above:.3f}",
        flush=True,
    )
