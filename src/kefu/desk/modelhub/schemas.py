"""Requests and responses about datasets, runs, models and versions."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

Counts = dict[str, int]


class Request(Schema):
    model_config = ConfigDict(extra="forbid")


# datasets


class Columns(Schema):
    """The columns of an upload, where their names do not tell."""

    text_column: str = Field(default="", max_length=200)
    label_column: str = Field(default="", max_length=200)
    score_column: str = Field(default="", max_length=200)


class Upload(Columns):
    """`name` is the file's if not given."""

    name: str = Field(default="", max_length=100)


class Gather(Request):
    """`texts` of knowledge and `conversations`, `chats`, or `pairs` of questions and passages that were found good."""

    kind: Literal["texts", "chats", "pairs"]
    name: str = Field(min_length=1, max_length=100)
    conversations: bool = True


class VersionChoice(Schema):
    """A version's number; the newest if not given."""

    version: int | None = Field(default=None, ge=1)


class FileChoice(VersionChoice):
    format: Literal["csv", "jsonl"] = "csv"


class BadRow(Schema):
    """A row of the uploaded file that was left out; `row` is its line there."""

    row: int
    column: str
    problem: str
    fix: str


class DatasetVersion(Schema):
    """`labels` count rows; rows without one are out of scope. `bad` lists the first of `bad_rows`. `left_out` counts
    what could not be gathered: not_agreed, wordless, unanswered, unjudged, only_wrong, uncited, too_many."""

    id: str
    dataset_id: str
    dataset: str
    number: int
    sha256: str
    rows: int
    labels: Counts
    format: str
    mapping: dict[str, str]
    bad: list[BadRow]
    bad_rows: int
    left_out: Counts
    note: str
    has_report: bool
    made_by: str
    created_at: datetime


class Dataset(Schema):
    """`latest` is the newest of `versions` versions."""

    id: str
    name: str
    versions: int
    latest: DatasetVersion
    created_at: datetime
    updated_at: datetime


class Datasets(Schema):
    datasets: list[Dataset]


class DatasetWithVersions(Dataset):
    all_versions: list[DatasetVersion]


class RowProblem(Schema):
    """`kind`: duplicate, contradiction, near_contradiction, leak, suspect or personal. `rows` are the others that it
    is about; `suggested` is the label that a suspect looks like."""

    kind: str
    sentence: str
    rows: list[int]
    suggested: str | None


class Row(Schema):
    """`number` counts from 1 in this version; `label` null is out of scope."""

    number: int
    text: str
    label: str | None
    language: str | None
    group: str | None
    score: float | None
    problems: list[RowProblem]


class Rows(Schema):
    """`next` is the `after` of the next page, null on the last; `found` counts all rows that were asked for."""

    version: DatasetVersion
    rows: list[Row]
    found: int
    next: int | None


class RowChoice(VersionChoice):
    """`problems`: only rows with some."""

    label: str | None = Field(default=None, max_length=500)
    search: str = Field(default="", max_length=200)
    problems: bool = False
    after: int = Field(default=0, ge=0)
    limit: int = Field(default=50, ge=1, le=500)


class RowChange(Request):
    """A row by its number; what is not named stays. `label` null is out of scope."""

    number: int = Field(ge=1)
    text: str | None = Field(default=None, min_length=1, max_length=20_000)
    label: str | None = Field(default=None, max_length=500)
    delete: bool = False


class NewRow(Request):
    text: str = Field(min_length=1, max_length=20_000)
    label: str | None = Field(default=None, max_length=500)


class RowChanges(Request):
    """Changes to the version of number `base`, which must still be the newest."""

    base: int = Field(ge=1)
    changes: list[RowChange] = Field(default_factory=list, max_length=2000)
    added: list[NewRow] = Field(default_factory=list, max_length=2000)


class Report(Schema):
    """What the last check found: the table of `kefu data check --json`."""

    report: dict[str, Any] | None


class CheckRequest(Request):
    """`version` is a number, the newest if null; `against` the id of the dataset version that a model is judged on:
    rows in both are leaks."""

    version: int | None = Field(default=None, ge=1)
    against: str | None = Field(default=None, max_length=32)
    label_errors: bool = True


class CleanRequest(Request):
    """What is done to the newest version: stray blanks and hidden characters, duplicates, personal data."""

    tidy: bool = True
    duplicates: bool = True
    mask: bool = True


class SplitRequest(Request):
    """Keep `share` of the newest version apart as a test, in a dataset of its own; variants of a text stay together."""

    share: float = Field(default=0.2, gt=0.0, lt=1.0)
    seed: int = Field(default=0, ge=0, le=2**31)


# runs


class RecipeOption(Schema):
    name: str
    help: str


class Recipe(Schema):
    """`is_installed` is false for a recipe whose optional package is missing; `install` then says how to get it."""

    name: str
    title: str
    roles: list[str]
    options: list[RecipeOption]
    is_installed: bool
    install: str | None


class Recipes(Schema):
    recipes: list[Recipe]


class NewRun(Request):
    """A training. `model` is a model's id, or a name: one that is new makes a model. Data are dataset versions' ids;
    without `valid` a tenth of `train` is kept apart. `extend` is a version's id whose labels are kept. Options may name
    versions and data: "version:ID", "dataset:ID", several with commas."""

    model: str = Field(min_length=1, max_length=100)
    recipe: str = Field(min_length=1, max_length=60)
    train: str = Field(max_length=32)
    valid: str | None = Field(default=None, max_length=32)
    extend: str | None = Field(default=None, max_length=32)
    seed: int = Field(default=0, ge=0, le=2**31)
    options: dict[str, Any] = Field(default_factory=dict)


class NewTuning(Request):
    """A search for options. They are fixed values, "LOW..HIGH" or "THIS|THAT"; what the recipe declares varies beside.
    The best are trained on all of `train` and measured on `valid`: a version of `model`."""

    model: str = Field(min_length=1, max_length=100)
    recipe: str = Field(min_length=1, max_length=60)
    train: str = Field(max_length=32)
    valid: str = Field(max_length=32)
    trials: int = Field(default=20, ge=2, le=500)
    parallel: int = Field(default=1, ge=1, le=16)
    minutes: float = Field(default=0, ge=0, le=1e5)
    seed: int = Field(default=0, ge=0, le=2**31)
    options: dict[str, Any] = Field(default_factory=dict)


class NewExplanation(Request):
    """`data` is the id of a dataset version, whose texts are explained; `method` occlusion, ig, attention, shap or
    lime."""

    data: str = Field(max_length=32)
    method: Literal["occlusion", "ig", "attention", "shap", "lime"] = "occlusion"
    rows: int = Field(default=50, ge=1, le=1000)


class NewTrial(Request):
    """Labelled data by which a recipe tells whether pre-training has helped, with so many seeds."""

    train: str = Field(max_length=32)
    valid: str = Field(max_length=32)
    recipe: str = Field(default="fewshot", min_length=1, max_length=60)
    seeds: int = Field(default=3, ge=1, le=20)
    options: dict[str, Any] = Field(default_factory=dict)


class NewSelection(Request):
    """Choose texts to label from the newest version: `budget` of them, `by` a strategy. `labelled` is a dataset
    version's id, `versions` are those of models that look at the texts; without any a model learns from what is
    labelled. With a `confidence` models label what they agree on so surely."""

    labelled: str | None = Field(default=None, max_length=32)
    versions: list[str] = Field(default_factory=list, max_length=10)
    budget: int = Field(default=100, ge=1, le=100_000)
    by: Literal["margin", "mixed", "uncertainty", "committee", "diversity", "random"] = "margin"
    confidence: float | None = Field(default=None, gt=0, le=1)


class Input(Schema):
    id: str
    name: str
    number: int
    sha256: str


class Progress(Schema):
    """A bar: `done` of `total` (null where nobody knows) `unit`s."""

    done: float
    total: float | None
    unit: str


class Problem(Schema):
    code: str
    sentence: str


class Run(Schema):
    """`kind`: train, tune, evaluate, explain, trial, compress, export, check, clean, split, select or guess. `state`:
    queued, running, finished, failed, cancelled or interrupted. `inputs` by what they are for: train, valid, test,
    data, extend, model, or the option that names them. `is_resumable`: it stopped and may go on. `is_cancelling`: it
    was asked to stop and still saves."""

    id: str
    kind: str
    state: str
    model_id: str | None
    model: str | None
    version_id: str | None
    version: int | None
    recipe: str
    options: dict[str, Any]
    inputs: dict[str, Input]
    progress: Progress | None
    metrics: dict[str, Any]
    problem: Problem | None
    events: int
    is_resumable: bool
    is_cancelling: bool
    made_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class RunChoice(Schema):
    """`after` is the id of the last run of the page before."""

    model: str | None = Field(default=None, max_length=32)
    dataset: str | None = Field(default=None, max_length=32)
    open: bool = False
    after: str | None = Field(default=None, max_length=32)
    limit: int = Field(default=50, ge=1, le=200)


class Runs(Schema):
    """Newest first."""

    runs: list[Run]
    next: str | None


class RunEvent(Schema):
    """`told`: started, step, epoch, checkpoint, note, finished, cancelled or failed; `fields` by it."""

    number: int
    told: str
    at: str
    fields: dict[str, Any]


class EventChoice(Schema):
    after: int = Field(default=0, ge=0)
    limit: int = Field(default=500, ge=1, le=2000)


class RunEvents(Schema):
    """Ask again with `after` = `next`. `is_over`: nothing more will come."""

    run: Run
    events: list[RunEvent]
    next: int
    is_over: bool


# models


class VersionName(Schema):
    id: str
    number: int


class GateLimits(Request):
    """The gate's limits; what is not named has its default."""

    p_value: float | None = Field(default=None, ge=0, le=1)
    slice_drop: float | None = Field(default=None, ge=0, le=1)
    slice_rows: int | None = Field(default=None, ge=1, le=1_000_000)
    parity_gap: float | None = Field(default=None, ge=0, le=1)
    latency_p95_ms: float | None = Field(default=None, gt=0, le=1e6)
    answer_p95_ms: float | None = Field(default=None, gt=0, le=1e6)
    order_p95_ms: float | None = Field(default=None, gt=0, le=1e6)
    size_mb: float | None = Field(default=None, gt=0, le=1e6)
    generator_mb: float | None = Field(default=None, gt=0, le=1e6)


class Serving(Schema):
    """What this server answers with: the version, or the sentence why it cannot be loaded."""

    version_id: str | None
    number: int | None
    problem: str | None


class Model(Schema):
    """`serving` is null for a model without a role, or before the first turn."""

    id: str
    name: str
    role: str
    test: Input | None
    champion: VersionName | None
    challenger: VersionName | None
    limits: dict[str, float]
    versions: int
    serving: Serving | None
    created_at: datetime
    updated_at: datetime


class Models(Schema):
    models: list[Model]


class NewModel(Request):
    name: str = Field(min_length=1, max_length=100)
    role: Literal["", "intent", "mood", "slots", "picture", "rerank"] = ""


class ModelChange(Request):
    """What is not named stays; `test` is a dataset version's id, null for none. A role is taken from the model that
    has it."""

    name: str | None = Field(default=None, min_length=1, max_length=100)
    role: Literal["", "intent", "mood", "slots", "picture", "rerank"] | None = None
    test: str | None = Field(default=None, max_length=32)
    limits: GateLimits | None = None


class Version(Schema):
    """`metrics` are those of the frozen test once it was judged on that, else of its own validation data.
    `is_judged`: on the model's frozen test. `is_deletable`: no alias names it and no run uses it."""

    id: str
    model_id: str
    model: str
    number: int
    aliases: list[str]
    run_id: str | None
    task: str
    recipe: str
    runtime: str
    variant: str
    labels: list[str]
    languages: list[str]
    base_model: str | None
    seed: int
    metrics: dict[str, float]
    is_judged: bool
    is_deletable: bool
    has_report: bool
    sha256: str
    size_bytes: int
    licence: str
    limits: list[str]
    note: str
    made_by: str
    created_at: datetime


class File(Schema):
    path: str
    sha256: str
    bytes: int


class VersionWithCard(Version):
    card: dict[str, Any]
    files: list[File]


class Versions(Schema):
    """Newest first."""

    versions: list[Version]


class ModelWithVersions(Model):
    all_versions: list[Version]


class GateCheck(Schema):
    name: str
    passed: bool
    sentence: str


class Verdict(Schema):
    passed: bool
    checks: list[GateCheck]


class Metric(Schema):
    name: str
    candidate: float | None
    champion: float | None


class SliceLine(Schema):
    name: str
    rows: int
    candidate: float | None
    champion: float | None


class Comparison(Schema):
    """`champion` is null where there is none. `needs_judging` are versions that the frozen test still has to see:
    POST /versions/{id}/judge."""

    candidate: Version
    champion: Version | None
    verdict: Verdict
    metrics: list[Metric]
    slices: list[SliceLine]
    needs_judging: list[str]


class CompareChoice(Schema):
    """Versions' ids; `champion` is the model's own if not given."""

    candidate: str = Field(max_length=32)
    champion: str | None = Field(default=None, max_length=32)


class Promote(Request):
    """Make a version champion or challenger. `override` goes past a gate that refuses: an admin's, with a reason."""

    version: str = Field(max_length=32)
    alias: Literal["champion", "challenger"] = "champion"
    override: bool = False
    reason: str = Field(default="", max_length=1000)


class Reason(Request):
    reason: str = Field(default="", max_length=1000)


class RollBack(Reason):
    """`override`, with a reason, goes past tests that fail."""

    override: bool = False


class Promotion(Schema):
    """`kind`: promote, override or rollback; versions that were deleted since are null."""

    id: str
    alias: str
    kind: str
    version: VersionName | None
    previous: VersionName | None
    verdict: Verdict | None
    reason: str
    made_by: str
    created_at: datetime


class Promotions(Schema):
    """Newest first."""

    promotions: list[Promotion]


class TriedTexts(Request):
    texts: list[str] = Field(max_length=50)


class FoundSlot(Schema):
    """A slot's value: the characters of the text from `start` to before `end`."""

    slot: str
    start: int
    end: int
    text: str
    confidence: float


class Guess(Schema):
    """`label` with its calibrated probability, or `score` for a model that gives numbers, or the `slots` in the text
    for one that finds those. `scores`: the best five."""

    text: str
    label: str | None
    confidence: float | None
    out_of_scope: bool | None
    scope: float | None
    score: float | None
    scores: dict[str, float]
    slots: list[FoundSlot] = Field(default_factory=list)


class Guesses(Schema):
    guesses: list[Guess]
    milliseconds: float


class Compress(Request):
    """`options` are those of `kefu compress`."""

    options: dict[str, Any] = Field(default_factory=dict)
