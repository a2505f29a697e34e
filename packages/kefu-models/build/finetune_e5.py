"""Teach e5 how customers ask: python finetune_e5.py

Trains on data/shops_zh.jsonl (written for Kefu). A question is to be nearer to its paragraph than to the other
paragraphs of the same shops, nearer to the paragraph's other questions than to questions of other paragraphs, and a
paragraph nearer to its questions than to those it does not answer. Ten shops are held out; figures on these are printed
before and after. Writes .finetuned/e5-small-zh-en.safetensors, which `encoders.load_taught` mixes with the original.
"""

import argparse
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from encoders import FINETUNED, Encoder, load_original, mixed
from fetch import read_card
from lessons import Lesson, batches, shops
from safetensors.torch import save_file

TOKENS = 128
BUCKET = 24  # texts of like length that are run together
BACKWARDS = 0.3  # weight of finding the questions for a paragraph, and of telling them from those near it
ALIKE = 0.5  # weight of finding the other questions of the same paragraph
WARM = 0.1  # share of the steps in which the learning rate rises

Tensor = torch.Tensor


NAME = "e5-small-zh-en"
SCALE = 60.0  # inverse temperature: cosines of e5 lie between 0.75 and 0.95, so it takes more than MiniLM's 20
FROZEN_LAYERS = 6  # of twelve, and the word table: what words mean is left alone, how a question is read is taught
LEARNING_RATE = 5e-5


@dataclass(frozen=True)
class Reader:
    """An encoder with its prefixes."""

    encoder: Encoder
    query: str
    passage: str

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
            made.append(self.encoder.module(ids, torch.tensor([each.attention_mask for each in found])))
        return torch.cat(made)[torch.tensor(order).argsort()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    torch.set_num_threads(parser.parse_args().threads)
    torch.manual_seed(1)
    encoder, card = load_original(NAME), read_card(NAME)
    encoder.tokenizer.enable_truncation(TOKENS)
    reader = Reader(encoder, card["query_prefix"], card["passage_prefix"])
    original = {name: value.clone() for name, value in encoder.module.state_dict().items()}
    known = shops("zh")
    held = [lesson for lesson in known if lesson.held]
    measure("before", reader, held)
    chance = random.Random(1)
    steps = batches([lesson for lesson in known if not lesson.held], chance)
    chance.shuffle(steps)
    train(reader, steps)
    measure("taught", reader, held)
    taught = {name: value.contiguous() for name, value in encoder.module.state_dict().items()}
    FINETUNED.mkdir(exist_ok=True)
    save_file(taught, str(FINETUNED / f"{NAME}.safetensors"))
    encoder.module.load_state_dict(mixed(NAME, original, taught))
    measure("mixed", reader, held)


def train(reader: Reader, steps: Sequence[Sequence[Lesson]]) -> None:
    """One pass over the batches."""
    learnt = _freeze(reader.encoder, FROZEN_LAYERS)
    optimiser = torch.optim.AdamW(learnt, lr=LEARNING_RATE, weight_decay=0.01)
    warm, total = WARM * len(steps), len(steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, max(0.02, (total - step) / ((1 - WARM) * total)))
    )
    started, since = time.monotonic(), 0.0
    reader.encoder.module.train()
    for number, batch in enumerate(steps, start=1):
        loss = loss_of(reader, batch)
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


def loss_of(reader: Reader, batch: Sequence[Lesson]) -> Tensor:
    """Cross entropy of question to paragraph, of paragraph to its questions, and of question to its like."""
    asked = [(question, place) for place, lesson in enumerate(batch) for question in lesson.questions]
    near = [(question, place) for place, lesson in enumerate(batch) for question in lesson.near]
    vectors = reader.questions([question for question, _ in (*asked, *near)])
    passages = reader.passages([lesson.passage for lesson in batch])
    place = torch.tensor([at for _, at in (*asked, *near)])
    is_near = torch.arange(len(place)) >= len(asked)
    questions, own = vectors[~is_near], place[~is_near]
    to_passages = questions @ passages.T * SCALE
    forwards = torch.nn.functional.cross_entropy(to_passages, own)
    # A question near one paragraph may be answered by another, so that it is only wrong beside its own.
    is_own = place[None, :] == torch.arange(len(batch))[:, None]
    backwards = _spread(passages @ vectors.T * SCALE, is_own & ~is_near, ~is_own & is_near)
    is_like = own[:, None] == place[None, :]
    apart = torch.eye(len(own), len(place), dtype=torch.bool)
    alike = _spread(questions @ vectors.T * SCALE, is_like & ~is_near & ~apart, apart | (~is_like & is_near))
    return forwards + BACKWARDS * backwards + ALIKE * alike


def _spread(scores: Tensor, right: Tensor, left_out: Tensor) -> Tensor:
    """Mean cross entropy of each right score against all wrong ones of its row."""
    wrong = scores.masked_fill(right | left_out, -torch.inf).logsumexp(1, keepdim=True)
    return (torch.logaddexp(scores, wrong.expand_as(scores)) - scores)[right].mean()


@torch.no_grad()
def measure(when: str, reader: Reader, held: Sequence[Lesson]) -> None:
    """On the held-out shops: the paragraph for a question, its like for a question, and questions from those near."""
    passages = reader.passages([f"{lesson.topic}\n{lesson.passage}" for lesson in held])
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


if __name__ == "__main__":
    main()
