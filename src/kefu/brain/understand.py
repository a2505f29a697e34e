"""Understand: what a customer's message is and asks, by rules on its words."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kefu.brain import followup, injection, mood, smalltalk, texts
from kefu.brain.mood import Mood, Person
from kefu.brain.slots.phrases import only_yes_or_no
from kefu.brain.smalltalk import SmallTalk
from kefu.contracts.engine import Said
from kefu.contracts.turn import Escalation, Policy
from kefu.knowledge.sentences import sentences
from kefu.knowledge.words import fold, simplified, tokenise

# How far back a follow-up may find its subject. Older questions are another matter.
_LOOK_BACK = 6
_HAN = re.compile(r"[\u3400-\u9fff]")
_CHOICE = re.compile(r"^[-•] (.+)$", re.MULTILINE)
_ORDINAL = re.compile(
    r"^(?:the )?(?:(first|1st|1|one|a)|(second|2nd|2|two|b)|(third|3rd|3|three|c))(?: one| option)?[.!]?$"
    r"|^(?:第|选)?(?:(一|1)|(二|2|两)|(三|3))(?:个|种|项|条)?(?:吧|的)?[。.]?$",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"[?？]|(?:吗|呢|么)$|什么|怎么|为何|哪[里儿个些]?|多少|多久|几[点天时个]|能不能|可不可以|是不是|有没有|如何|谁"
    r"|^(?:(?:and|but|so|ok(?:ay)?|hi|hello)[ ,]+)?(?:what|when|where|which|who|whose|why|how|are|is|does|do|did|can"
    r"|could|will|would|should|may|has|have)(?:n't)? (?!you (?:please )?(?:help|cancel|change|send|book|tell))",
    re.IGNORECASE,
)
# What accepts an offer besides a yes: "please", 转吧.
_DO_THAT = re.compile(
    r"^(?:please|请|转吧?|麻烦了|那好|要的)(?:[ ,，]*(?:thanks|thank you|谢谢|吧|啊))*[\s.!。！~～]*$", re.IGNORECASE
)


@dataclass(frozen=True)
class Intent:
    """What the workspace's model takes a question for.

    `confidence` is calibrated; `scope` the share of texts known to be in scope that look less so, None where the model
    cannot tell; `top` the likeliest labels with their probabilities, best first.
    """

    label: str
    confidence: float
    scope: float | None = None
    out_of_scope: bool = False
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Understanding:
    """What a message is and asks.

    `text` is the whole message, `asks` whether it is a question. `question` is the message without courtesies and
    sentences that instruct an assistant; empty when nothing is asked. `standalone` is a follow-up's question with its
    subject from the conversation. `asked_back`: the assistant's last words were a question which of several things is
    meant. `intent` and `mood_score` (from -1 to 1) are told by models, where there are any and the question needs them;
    `is_upset` is what the number means in the question's language. `rules` are the escalations whose words and contact
    fit. In quiet hours (`is_quiet`) nobody is offered.
    """

    language: str
    question: str
    standalone: str | None = None
    small_talk: SmallTalk | None = None
    empty: bool = False
    person: Person = Person.NO
    mood: Mood = Mood.CALM
    forbidden: str | None = None
    rule_word: str | None = None
    injection: bool = False
    asked_back: bool = False
    intent: Intent | None = None
    mood_score: float | None = None
    is_upset: bool = False
    text: str = ""
    asks: bool = False
    rules: tuple[Escalation, ...] = ()
    is_quiet: bool = False


def understand(text: str, language: str, history: Sequence[Said], policy: Policy) -> Understanding:
    """Tell what a normalised, masked message wants, with the conversation before it."""
    plain = simplified(text)
    chosen = simplified(_chosen(text, history) or text)
    sorted_text = smalltalk.sort(chosen)
    # "Who are you?" is small talk and a question: the company's FAQ may have its own answer.
    asked = chosen if sorted_text.small_talk is SmallTalk.IDENTITY else sorted_text.question
    clean, injected = _without_instructions(asked)
    accepted = (only_yes_or_no(plain) is True or bool(_DO_THAT.match(plain))) and _was_offered_a_person(history, policy)
    return Understanding(
        language=language,
        question=clean,
        standalone=followup.standalone(clean, language, _earlier(history)) if sorted_text.question and clean else None,
        small_talk=sorted_text.small_talk,
        empty=sorted_text.empty,
        person=Person.WANTED if accepted else _person(chosen, sorted_text.small_talk),
        mood=mood.mood(chosen) if clean or injected else Mood.CALM,
        forbidden=mentioned(policy.forbidden_topics, chosen, language),
        rule_word=mentioned(policy.hand_over_words, chosen, language),
        injection=injected,
        asked_back=_last_answer(history).startswith(texts.every_form("clarify", policy)),
        text=text,
        asks=is_question(plain),
    )


def is_question(text: str) -> bool:
    """Whether a message asks something, by its marks and words."""
    return bool(_ASKS.search(text.strip().rstrip("。.!！~～ ")))


def fitting(
    rules: Sequence[Escalation], text: str, language: str, contact: Mapping[str, Any]
) -> tuple[Escalation, ...]:
    """The escalations whose words a text mentions and whose contact this is; what else they want is told later."""
    return tuple(
        rule
        for rule in rules
        if (not rule.words or mentioned(rule.words, text, language) is not None)
        and all(contact.get(name) == value for name, value in rule.contact.items())
    )


def _person(text: str, small_talk: SmallTalk | None) -> Person:
    """ "Am I talking to a person?" asks who speaks, and wishes for nobody else."""
    return Person.NO if small_talk is SmallTalk.IDENTITY else mood.person(text)


def _without_instructions(text: str) -> tuple[str, bool]:
    """A message without the sentences that instruct an assistant, and whether there were any.

    A message that is nothing but instructions stays as it is: what it asks may still stand in a help page.
    """
    if not injection.instructs_an_assistant(text):
        return text, False
    kept = [text[start:end] for start, end in sentences(text)]
    rest = " ".join(one for one in kept if not injection.instructs_an_assistant(one))
    return rest or text, True


def _earlier(history: Sequence[Said]) -> list[str]:
    """The customer's last questions, oldest first, without small talk."""
    said = [one.text for one in history if one.author == "contact"][-_LOOK_BACK:]
    return [question for question in (smalltalk.sort(text).question for text in said) if question]


def _last_answer(history: Sequence[Said]) -> str:
    return next((one.text for one in reversed(history) if one.author == "assistant"), "")


def _chosen(text: str, history: Sequence[Said]) -> str | None:
    """The choice that "the second one" names, if the assistant has just listed choices."""
    ordinal = _ORDINAL.match(text)
    if ordinal is None:
        return None
    place = next(at for at, group in enumerate(ordinal.groups()) if group) % 3
    choices = _CHOICE.findall(_last_answer(history))
    return choices[place] if place < len(choices) else None


def _was_offered_a_person(history: Sequence[Said], policy: Policy) -> bool:
    last = _last_answer(history)
    return bool(last) and any(
        last == text for key in ("refuse", "refuse_forbidden") for text in texts.every_form(key, policy)
    )


def mentioned(phrases: Iterable[str], text: str, language: str) -> str | None:
    """The first phrase that a text mentions: in Han as it stands, in other scripts word by word, inflected or not."""
    phrases = tuple(phrases)
    if not phrases:
        return None
    folded = fold(text)
    terms = tokenise(text, language)
    return next((phrase for phrase in phrases if _holds(phrase, folded, terms, language)), None)


def _holds(phrase: str, folded: str, terms: Sequence[str], language: str) -> bool:
    folded_phrase, phrase_terms = _phrase(phrase, language)
    if _HAN.search(folded_phrase):
        return folded_phrase in folded
    if not phrase_terms:
        return bool(folded_phrase) and f" {folded_phrase} " in f" {folded} "
    width = len(phrase_terms)
    return any(tuple(terms[at : at + width]) == phrase_terms for at in range(len(terms) - width + 1))


@lru_cache(maxsize=4096)
def _phrase(phrase: str, language: str) -> tuple[str, tuple[str, ...]]:
    return fold(phrase).strip(), tuple(tokenise(phrase, language))
