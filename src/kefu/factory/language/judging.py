"""Figures of language: how well gaps are filled and texts gone on with, and which answers are right.

An answer is right when it is the one that was meant, to the letter but for case and blanks; where a refusal was meant,
when it refuses. It is grounded when Kefu's own check would let every sentence of it pass beside what it was shown.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kefu.brain.check import Sources, check_generated
from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Tell, Told
from kefu.contracts.model_card import ModelCard
from kefu.factory.evaluate import slices
from kefu.factory.evaluate.paired import accuracy_interval
from kefu.factory.evaluate.served import Latency
from kefu.factory.evaluate.sheet import Flags, model_table, rows_table, slices_table
from kefu.factory.language import gaps
from kefu.factory.language.answering import answers, can_serve, served_answers
from kefu.factory.language.chats import Message, chats_of, turns_of
from kefu.factory.language.corpus import has_chats, texts_of
from kefu.factory.language.generators import Generator, from_folder
from kefu.factory.language.lessons import Turns, next_figures, packed, rows_of
from kefu.knowledge.language import detect
from kefu.knowledge.sentences import sentences

_BLANKS = re.compile(r"\s+")
_MISTAKES, _SHOWN_CHARACTERS = 30, 300


@dataclass(frozen=True)
class Asked:
    """A chat up to the question, and the answer that is meant."""

    chat: tuple[Message, ...]
    meant: str

    @property
    def question(self) -> str:
        return self.chat[-1]["content"] if self.chat else ""

    @property
    def declines(self) -> bool:
        """Whether what is meant is a refusal."""
        return declines(self.meant)


def asked_of(chat: Sequence[Message]) -> Asked:
    """The last answer of a chat is what is asked for."""
    last = max(at for at, each in enumerate(chat) if each["role"] == "assistant")
    return Asked(tuple(chat[:last]), chat[last]["content"])


def spread(chats: Sequence[Any], most: int) -> list[Any]:
    """At most so many of them, spread over the file."""
    return list(chats[:: max(1, -(-len(chats) // most))]) if most else []


def declines(text: str) -> bool:
    """Whether a text says that there is no answer."""
    return check_generated(text, Sources([])).no_answer


def is_right(asked: Asked, given: str) -> bool:
    return declines(given) if asked.declines else _plain(given) == _plain(asked.meant)


def is_grounded(asked: Asked, given: str) -> bool:
    """Whether every sentence of an answer stands in what was shown, as Kefu's check sees it."""
    shown = [each["content"] for each in asked.chat if each["role"] != "assistant"]
    sources = Sources(shown, asked=asked.question, language=detect(asked.question))
    return all(check_generated(given[start:end], sources).passed for start, end in sentences(given))


def figures(asked: Sequence[Asked], given: Sequence[str]) -> dict[str, float | None]:
    """Shares of right answers, of refusals where they are meant and where they are not, and of grounded answers."""
    right = [is_right(one, said) for one, said in zip(asked, given, strict=True)]
    declined = [declines(said) for said in given]
    answered = [(one, said) for one, said, no in zip(asked, given, declined, strict=True) if not no]
    meant = [one.declines for one in asked]

    def share(of: Sequence[bool]) -> float | None:
        return sum(of) / len(of) if of else None

    return {
        "accuracy": share(right),
        "exact": share([ok for ok, no in zip(right, meant, strict=True) if not no]),
        "refused_rightly": share([ok for ok, no in zip(right, meant, strict=True) if no]),
        "refused_wrongly": share([was for was, no in zip(declined, meant, strict=True) if not no]),
        "grounded": share([is_grounded(one, said) for one, said in answered]),
    }


def judged_language(folder: Path, card: ModelCard, data: Dataset, name: str) -> tuple[Flags, dict[str, Any]]:
    """How well an encoder fills gaps, and the report. Raises BadInput for data without texts."""
    texts = texts_of(data)
    found = gaps.figures_on(folder, data, share=float(card.options.get("mask_share", 0.15)))
    return np.zeros(0, np.bool_), {
        "model": model_table(card),
        "data": rows_table(data, name, len(texts)),
        "metrics": found,
        "mistakes": [],
        **slices_table({}, []),
    }


def judged_generator(
    folder: Path, card: ModelCard, data: Dataset, name: str, tell: Tell | None = None
) -> tuple[Flags, dict[str, Any]]:
    """How well a generator goes on with texts, or answers, and the report."""
    base = from_folder(folder)
    if not has_chats(data):
        ids = rows_of(base.tokenizer, texts_of(data), end_id=base.end_id, max_tokens=card.max_tokens)
        rows = fitting_rows(ids, card)
        found: dict[str, float | None] = dict(next_figures(base.network().eval(), rows, base.pad_id))
        table = {"metrics": found, "mistakes": [], **slices_table({}, [])}
        return np.zeros(0, np.bool_), _headed(card, data, name, len(data.examples), table)
    chats = chats_of(data, name)
    rows = fitting_rows([turns_of(base, chat) for chat in chats], card)
    likely = next_figures(base.network().eval(), rows, base.pad_id) if rows else {}
    asked = [asked_of(chat) for chat in spread(chats, int(card.options.get("questions") or len(chats)))]
    given, timed = _given(folder, card, base, asked, tell)
    right = np.array([is_right(one, said) for one, said in zip(asked, given, strict=True)], np.bool_)
    low, high = accuracy_interval(right)
    parts = slices.by_language([each.question for each in asked], [None] * len(asked), right)
    table = {
        "metrics": {**likely, **figures(asked, given), "accuracy_low": low, "accuracy_high": high},
        "mistakes": _mistakes(asked, given, right),
        "answered_by": "as they are served" if can_serve() else "by its torch weights; kefu[gguf] is not installed",
        **slices_table(parts, timed),
    }
    return right, _headed(card, data, name, len(asked), table)


def fitting_rows(rows: Sequence[Turns], card: ModelCard) -> list[list[Turns]]:
    """Those that fit, packed."""
    fit = [each for each in rows if len(each.tokens) <= card.max_tokens and any(each.learnt[1:])]
    return packed(fit, tokens=card.max_tokens)


def _given(
    folder: Path, card: ModelCard, base: Generator, asked: Sequence[Asked], tell: Tell | None
) -> tuple[list[str], list[Latency]]:
    """The answers, as they are served where what serves is installed, and the time that one takes."""
    most = int(card.options.get("answer_tokens", 96))
    chats = [each.chat for each in asked]
    if not can_serve():
        if tell is not None:
            tell(Told.NOTE, {"sentence": "Answers are its torch weights': kefu[gguf], which serves, is not installed."})
        return answers(base.network(), base, chats, most=most), []
    given, taken = served_answers(folder, chats, most=most, context=card.max_tokens + most, tell=tell)
    p50, p95 = np.percentile(taken, (50, 95)).tolist() if taken else (0.0, 0.0)
    return given, [Latency(1, round(p50, 1), round(p95, 1))]


def _headed(card: ModelCard, data: Dataset, name: str, rows: int, table: dict[str, Any]) -> dict[str, Any]:
    return {"model": model_table(card), "data": rows_table(data, name, rows), **table}


def _mistakes(asked: Sequence[Asked], given: Sequence[str], right: Flags) -> list[dict[str, Any]]:
    return [
        {
            "row": at + 1,
            "text": asked[at].question[:_SHOWN_CHARACTERS],
            "truth": asked[at].meant[:_SHOWN_CHARACTERS],
            "predicted": given[at][:_SHOWN_CHARACTERS],
            "confidence": 0.0,
        }
        for at in np.flatnonzero(~right)[:_MISTAKES].tolist()
    ]


def _plain(text: str) -> str:
    return _BLANKS.sub(" ", text).strip().casefold()
