"""Requests and responses about the assistant, its engines and questions tried on it."""

from dataclasses import asdict
from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from kefu.contracts.index import Hit
from kefu.contracts.turn import Decision
from kefu.contracts.turn import Policy as PolicyData
from kefu.desk.inbox.due import answer_of, trace_of
from kefu.desk.inbox.schemas import Answer
from kefu.desk.trial import Trial as TrialData
from kefu.kit.registry import Manifest

Words = list[str]
Share = float | None


class Request(Schema):
    model_config = ConfigDict(extra="forbid")


class Escalation(Request):
    """When a person takes over: everything that is given must hold."""

    moods: list[Literal["complaint", "angry"]] = Field(default_factory=list, max_length=2)
    words: Words = Field(default_factory=list, max_length=200)
    intents: Words = Field(default_factory=list, max_length=200)
    contact: dict[str, str | int | float | bool] = Field(default_factory=dict, max_length=20)
    refusals: int = Field(default=0, ge=0, le=20)


class Disclaimer(Request):
    """Words added to an answer once a conversation, on these topics or intents; neither: to the first answer."""

    key: str = Field(min_length=1, max_length=60)
    texts: dict[str, str] = Field(min_length=1, max_length=20)
    topics: Words = Field(default_factory=list, max_length=200)
    intents: Words = Field(default_factory=list, max_length=200)


class PolicyChange(Request):
    """Parts of a policy to change; null gives a part its default again."""

    name: str | None = Field(default=None, min_length=1, max_length=100)
    kinds: list[Decision] | None = None
    answer_threshold: Share = Field(default=None, ge=0, le=1)
    approved_threshold: Share = Field(default=None, ge=0, le=1)
    clarify_threshold: Share = Field(default=None, ge=0, le=1)
    refusals_before_hand_over: int | None = Field(default=None, ge=0, le=20)
    tone: str | None = Field(default=None, max_length=1000)
    forbidden_topics: Words | None = Field(default=None, max_length=200)
    hand_over_words: Words | None = Field(default=None, max_length=200)
    texts: dict[str, dict[str, str]] | None = None
    intent_rules: dict[str, Literal["hand_over", "answer", "refuse"]] | None = Field(default=None, max_length=200)
    forbidden_words: Words | None = Field(default=None, max_length=200)
    disclaimers: list[Disclaimer] | None = Field(default=None, max_length=50)
    escalations: list[Escalation] | None = Field(default=None, max_length=50)
    quiet_hours: str | None = Field(default=None, max_length=200)
    test_knowledge_changes: bool | None = None
    default_language: str | None = Field(default=None, pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$")

    def given(self) -> dict[str, Any]:
        """What the request named, as it is stored."""
        whole = self.dict()
        named = {name: whole[name] for name in self.model_fields_set}
        if named.get("kinds") is not None:
            named["kinds"] = [kind.value for kind in named["kinds"]]
        return named


class AssistantChange(Request):
    name: str | None = Field(default=None, min_length=1, max_length=100)
    policy: PolicyChange = Field(default_factory=PolicyChange)


class GeneratorChange(Request):
    reference: str = Field(max_length=300)
    options: dict[str, Any] = Field(default_factory=dict)


class EncoderChange(Request):
    """Where a language's encoder comes from; an empty reference for the default."""

    language: str
    reference: str = Field(max_length=300)
    options: dict[str, Any] = Field(default_factory=dict)


class Said(Request):
    author: Literal["contact", "assistant"]
    text: str = Field(max_length=8000)


class Question(Request):
    question: str = Field(min_length=1, max_length=8000)
    history: list[Said] = Field(default_factory=list, max_length=12)


class QuestionWithDraft(Question):
    policy: PolicyChange = Field(default_factory=PolicyChange)


class Policy(Schema):
    name: str
    kinds: list[str]
    answer_threshold: float
    approved_threshold: float
    clarify_threshold: float
    refusals_before_hand_over: int
    tone: str
    forbidden_topics: list[str]
    hand_over_words: list[str]
    texts: dict[str, dict[str, str]]
    intent_rules: dict[str, str]
    forbidden_words: list[str]
    disclaimers: list[Disclaimer]
    escalations: list[Escalation]
    quiet_hours: str
    test_knowledge_changes: bool
    default_language: str


class Generator(Schema):
    """`options` holds no secrets; `secrets` are the names of those that are set. Both are empty for who may not set."""

    reference: str
    options: dict[str, Any]
    secrets: list[str]


class EncoderName(Schema):
    """The encoder of a language, `*` for all others. `wanted` is what will take its place, its default if empty."""

    language: str
    reference: str
    default: str
    options: dict[str, Any]
    wanted: str | None


class EncoderWork(Schema):
    """A change of encoders under way: passages that have their vectors; or why the last one did not come about."""

    done: int
    total: int
    problem: str


class Engines(Schema):
    generator: Generator
    encoders: list[EncoderName]
    work: EncoderWork


class Thresholds(Schema):
    answer: float
    approved: float
    clarify: float


class Assistant(Schema):
    """`set` are the parts of the policy that differ from the defaults; `texts` are the built-in ones."""

    name: str
    policy: Policy
    defaults: Policy
    set: list[str]
    texts: dict[str, dict[str, str]]
    thresholds: Thresholds
    engines: Engines


class Engine(Schema):
    name: str
    title: str
    roles: list[str]
    extra: str | None
    options: dict[str, str]


class OwnGenerator(Schema):
    """A version of a model of the workspace that writes answers; `reference` chooses it."""

    reference: str
    model: str
    number: int


class InstalledEngines(Schema):
    engines: list[Engine]
    generators: list[OwnGenerator]


class Check(Schema):
    ok: bool
    detail: str
    ms: float


class CurvePoint(Schema):
    threshold: float
    answered: float
    refused: float


class RecentPoint(Schema):
    threshold: float
    answered: float


class Recent(Schema):
    """Of the questions of the last thirty days, the share that each answer threshold would let through."""

    questions: int
    points: list[RecentPoint]


class Calibration(Schema):
    """Measured curves by language: the share of answerable questions answered, of unanswerable ones refused."""

    curves: dict[str, list[CurvePoint]]
    recent: Recent
    thresholds: Thresholds


class Found(Schema):
    passage: str
    document: str
    document_id: str
    title: str
    text: str
    start: int
    end: int
    score: float
    kind: str
    question: str | None


class Trial(Schema):
    answer: Answer
    trace: dict[str, Any]
    hits: list[Found]


def policy(row: PolicyData) -> dict[str, Any]:
    return {**asdict(row), "kinds": sorted(kind.value for kind in row.kinds)}


def engine(manifest: Manifest) -> dict[str, Any]:
    return {**vars(manifest), "roles": list(manifest.roles)}


def trial(tried: TrialData) -> dict[str, Any]:
    outcome = tried.outcome
    return {
        "answer": {**answer_of(outcome), "answer": outcome.text},
        "trace": trace_of(outcome),
        "hits": [_found(hit) for hit in tried.hits],
    }


def _found(hit: Hit) -> dict[str, Any]:
    passage = hit.passage
    return {
        "passage": passage.id,
        "document": passage.document,
        "document_id": passage.document_id,
        "title": passage.title,
        "text": passage.text,
        "start": passage.start,
        "end": passage.end,
        "score": round(hit.score, 4),
        "kind": passage.kind,
        "question": hit.matched_question,
    }
