"""Reads of models, their versions, and what the gate says of two of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import IO, Any

from django.db.models import Count

from kefu.contracts.gate import Limits, Verdict, judge
from kefu.contracts.model_card import Judged, ModelCard, Slice
from kefu.desk.actor import Actor, Role
from kefu.desk.assistants.queries import for_workspace
from kefu.desk.modelhub import folders
from kefu.desk.modelhub.models import Model, Promotion, Run, Version
from kefu.desk.modelhub.queries.data import named_input
from kefu.desk.modelhub.queries.training import OPEN
from kefu.kit.errors import BadInput, NotFound

VERSION = "version:"  # how a version is named where other models are named by path

# What one looks at first when two versions are side by side; others follow by name.
_FIRST = (
    "span_f1", "accuracy", "macro_f1", "oos_auroc", "oos_recall", "in_scope_rejected", "ece", "latency_p95_ms",
    "size_mb",
)  # fmt: skip


@dataclass(frozen=True)
class VersionName:
    id: str
    number: int


@dataclass(frozen=True)
class ModelInfo:
    id: str
    name: str
    role: str
    test: dict[str, Any] | None
    champion: VersionName | None
    challenger: VersionName | None
    limits: dict[str, float]
    versions: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class VersionInfo:
    """`card` is the model's own, with what the frozen test found in place of its validation where it was judged."""

    id: str
    model_id: str
    model: str
    number: int
    aliases: tuple[str, ...]
    run_id: str | None
    card: ModelCard
    files: tuple[dict[str, Any], ...]
    is_judged: bool
    is_deletable: bool
    has_report: bool
    sha256: str
    size_bytes: int
    note: str
    made_by: str
    created_at: datetime


@dataclass(frozen=True)
class Comparison:
    """Two versions side by side, as the gate sees them. `needs_judging` are those the frozen test has not seen."""

    candidate: VersionInfo
    champion: VersionInfo | None
    verdict: Verdict
    metrics: list[dict[str, Any]]
    slices: list[dict[str, Any]]
    needs_judging: list[str]


@dataclass(frozen=True)
class PromotionInfo:
    id: str
    alias: str
    kind: str
    version: VersionName | None
    previous: VersionName | None
    verdict: dict[str, Any] | None
    reason: str
    made_by: str
    created_at: datetime


@dataclass(frozen=True)
class GeneratorVersion:
    """A version that writes answers, as the assistant's generator names it."""

    reference: str
    model: str
    number: int


@dataclass(frozen=True)
class Served:
    """A version that a workspace answers with: where its files lie, and the hash that its card must have."""

    version_id: str
    model: str
    number: int
    place: str
    files: tuple[dict[str, Any], ...] = field(default=())
    sha256: str = ""
    task: str = "classify"


def models(actor: Actor) -> list[ModelInfo]:
    """All models by name."""
    _may_read(actor)
    found = Model.objects.of(actor.workspace_id).select_related("champion", "challenger", "test__dataset")
    counts = dict(Version.objects.of(actor.workspace_id).values_list("model_id").annotate(Count("id")))
    return [model_info(row, counts.get(row.id, 0)) for row in found.order_by("name")]


def model(actor: Actor, model_id: str) -> ModelInfo:
    """Raises NotFound, NotAllowed."""
    _may_read(actor)
    row = get_model(actor.workspace_id, model_id)
    return model_info(row, Version.objects.of(actor.workspace_id).filter(model_id=row.id).count())


def model_named(actor: Actor, name: str) -> ModelInfo:
    """The model whose id or name is `name`. Raises NotFound, NotAllowed."""
    _may_read(actor)
    row = Model.objects.of(actor.workspace_id).filter(name=name).first()
    return model(actor, row.id if row is not None else name)


def versions(actor: Actor, model_id: str) -> list[VersionInfo]:
    """A model's versions, newest first. Raises NotFound, NotAllowed."""
    _may_read(actor)
    owner = get_model(actor.workspace_id, model_id)
    found = Version.objects.of(actor.workspace_id).filter(model_id=owner.id).select_related("model__test")
    used = used_versions(actor.workspace_id)
    return [version_info(row, used) for row in found.order_by("-number")]


def version(actor: Actor, version_id: str) -> VersionInfo:
    """Raises NotFound, NotAllowed."""
    _may_read(actor)
    return version_info(get_version(actor.workspace_id, version_id), used_versions(actor.workspace_id))


def version_numbered(actor: Actor, model_id: str, *, number: int) -> VersionInfo:
    """Raises NotFound that names the numbers there are, NotAllowed."""
    found = versions(actor, model_id)
    for each in found:
        if each.number == number:
            return each
    known = ", ".join(str(each.number) for each in reversed(found)) or "none"
    raise NotFound(f"The model has no version {number}. Versions: {known}.", version=number)


def version_report(actor: Actor, version_id: str) -> dict[str, Any]:
    """report.json of a version's examination; it quotes texts: for agents. Raises NotFound, NotAllowed."""
    actor.require_role(Role.AGENT)
    row = get_version(actor.workspace_id, version_id)
    return folders.table_of(folders.read_beside(row.folder, folders.REPORT))


def version_page(actor: Actor, version_id: str) -> bytes:
    """report.html of a version's examination; it quotes texts: for agents. Raises NotFound, NotAllowed."""
    actor.require_role(Role.AGENT)
    return folders.read_beside(get_version(actor.workspace_id, version_id).folder, folders.PAGE)


def packed_version(actor: Actor, version_id: str) -> tuple[str, IO[bytes]]:
    """A version as a zip: its name and its bytes. It holds what it was trained on; for supervisors. Raises NotFound."""
    actor.require_role(Role.SUPERVISOR)
    row = get_version(actor.workspace_id, version_id)
    name = f"{folders.slug(row.model.name)}-v{row.number}"
    return f"{name}.zip", folders.packed(row.folder, row.files, name)


def compare(actor: Actor, model_id: str, *, candidate: str, champion: str | None = None) -> Comparison:
    """A version beside the model's champion, or beside another version. Raises NotFound, NotAllowed."""
    _may_read(actor)
    owner = get_model(actor.workspace_id, model_id)
    used = used_versions(actor.workspace_id)
    one = version_info(_of_model(owner, candidate), used)
    other_id = champion or owner.champion_id
    other = version_info(_of_model(owner, other_id), used) if other_id else None
    if other is not None and other.id == one.id:
        other = None
    asked = [each for each in (one, other) if each is not None]
    return Comparison(
        candidate=one,
        champion=other,
        verdict=judge(one.card, other.card if other else None, limits_of(owner)),
        metrics=_side_by_side(one.card.metrics, other.card.metrics if other else {}),
        slices=_slices(one.card.judged, other.card.judged if other else None),
        needs_judging=[each.id for each in asked if owner.test_id and not each.is_judged],
    )


def promotions(actor: Actor, model_id: str, *, limit: int = 200) -> list[PromotionInfo]:
    """How a model's aliases were set, newest first. Raises NotFound, NotAllowed."""
    _may_read(actor)
    owner = get_model(actor.workspace_id, model_id)
    found = Promotion.objects.of(actor.workspace_id).filter(model_id=owner.id).select_related("version", "previous")
    return [_promotion(row) for row in found.order_by("-created_at", "-id")[:limit]]


def serving(workspace_id: str, role: str) -> list[Served]:
    """What may answer in a role, best first: the champion of the model that has it, and the one before."""
    owner = Model.objects.of(workspace_id).filter(role=role).select_related("champion__model").first()
    if owner is None or owner.champion is None:
        return []
    before = previous_champion(owner)
    return [served_version(row) for row in (owner.champion, before) if row is not None]


def generators(actor: Actor) -> list[GeneratorVersion]:
    """The versions that can be the assistant's generator, by model, newest first."""
    _may_read(actor)
    found = Version.objects.of(actor.workspace_id).filter(card__task="generate").order_by("model__name", "-number")
    rows = found.values_list("id", "model__name", "number")
    return [GeneratorVersion(f"{VERSION}{row_id}", name, number) for row_id, name, number in rows]


def generator_served(workspace_id: str, version_id: str) -> Served:
    """A version that writes answers. Raises BadInput for one that does something else, NotFound."""
    row = get_version(workspace_id, version_id)
    if row.card["task"] != "generate":
        raise BadInput(f"{row.model.name} is no generator: it writes no answers.", version=version_id)
    return served_version(row)


def get_model(workspace_id: str, model_id: str, *, lock: bool = False) -> Model:
    if lock:  # not together with what may be null: PostgreSQL refuses to lock an outer join
        Model.objects.of(workspace_id).select_for_update().filter(id=model_id).first()
    found = Model.objects.of(workspace_id).select_related("champion", "challenger", "test__dataset")
    row = found.filter(id=model_id).first()
    if row is None:
        raise NotFound("There is no such model.", model=model_id)
    return row


def get_version(workspace_id: str, version_id: str) -> Version:
    row = Version.objects.of(workspace_id).select_related("model__test").filter(id=version_id).first()
    if row is None:
        raise NotFound("There is no such version.", version=version_id)
    return row


def previous_champion(owner: Model) -> Version | None:
    """The version that was champion before the present one, if it is still there."""
    made = Promotion.objects.of(owner.workspace_id).filter(model_id=owner.id, alias="champion").exclude(kind="rollback")
    row = made.filter(version_id=owner.champion_id).select_related("previous__model__test").order_by("-id").first()
    return row.previous if row is not None else None


def used_versions(workspace_id: str) -> frozenset[str]:
    """Versions that an alias names, that an open run works with, or that is the assistant's generator."""
    named = Model.objects.of(workspace_id).values_list("champion_id", "challenger_id")
    open_runs = Run.objects.of(workspace_id).filter(state__in=OPEN).values_list("inputs", flat=True)
    worked_with = {str(each["id"]) for inputs in open_runs for each in inputs.values()}
    return frozenset({each for pair in named for each in pair if each} | worked_with | {generator_id(workspace_id)})


def generator_id(workspace_id: str) -> str:
    """The id of the version that is the assistant's generator; empty where another kind is, or none."""
    reference = for_workspace(workspace_id).generator
    return reference.removeprefix(VERSION) if reference.startswith(VERSION) else ""


def limits_of(owner: Model) -> Limits:
    return replace(Limits(), **owner.limits)


def model_info(row: Model, version_count: int) -> ModelInfo:
    return ModelInfo(
        id=row.id,
        name=row.name,
        role=row.role,
        test=named_input(row.test) if row.test is not None else None,
        champion=_name(row.champion),
        challenger=_name(row.challenger),
        limits=vars(limits_of(row)),
        versions=version_count,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def version_info(row: Version, used: frozenset[str]) -> VersionInfo:
    owner = row.model
    aliases = {"champion": owner.champion_id, "challenger": owner.challenger_id}
    card = _card(row)
    return VersionInfo(
        id=row.id,
        model_id=owner.id,
        model=owner.name,
        number=row.number,
        aliases=tuple(name for name, named in aliases.items() if named == row.id),
        run_id=row.run_id,
        card=card,
        files=tuple(row.files),
        is_judged=owner.test is not None and card.judged is not None,
        is_deletable=row.id not in used,
        has_report=any(each["path"] == folders.REPORT for each in row.files),
        sha256=row.sha256,
        size_bytes=row.bytes,
        note=row.note,
        made_by=row.made_by,
        created_at=row.created_at,
    )


def _card(row: Version) -> ModelCard:
    """The card as the gate sees it: with a frozen test, what was found on anything else does not count."""
    card, judged = ModelCard.from_table(row.card), _judgement(row)
    if judged is not None:
        filled = ModelCard.from_table({**row.card, "judged": judged["judged"]})
        return replace(filled, metrics={**card.metrics, **judged["metrics"]})
    test = row.model.test
    if test is None or (card.judged is not None and card.judged.data_sha256 == test.sha256):
        return card
    return replace(card, judged=None)


def _judgement(row: Version) -> dict[str, Any] | None:
    """What the model's frozen test found, if this version was judged on that one."""
    test = row.model.test
    if test is None or row.judged is None or row.judged["judged"] is None:
        return None
    found: dict[str, Any] = row.judged
    return found if found["judged"]["data_sha256"] == test.sha256 else None


def _of_model(owner: Model, version_id: str) -> Version:
    row = get_version(owner.workspace_id, version_id)
    if row.model_id != owner.id:
        raise BadInput(f"Version {row.number} is of the model {row.model.name}.", field="version")
    return row


def served_version(row: Version) -> Served:
    """What is needed to run a version."""
    return Served(row.id, row.model.name, row.number, row.folder, tuple(row.files), row.sha256, str(row.card["task"]))


def _side_by_side(one: Mapping[str, float], other: Mapping[str, float]) -> list[dict[str, Any]]:
    names = sorted({*one, *other}, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
    return [{"name": name, "candidate": one.get(name), "champion": other.get(name)} for name in names]


def _slices(one: Judged | None, other: Judged | None) -> list[dict[str, Any]]:
    mine: Mapping[str, Slice] = one.slices if one else {}
    theirs: Mapping[str, Slice] = other.slices if other else {}
    return [
        {
            "name": name,
            "rows": (mine.get(name) or theirs[name]).rows,
            "candidate": mine[name].accuracy if name in mine else None,
            "champion": theirs[name].accuracy if name in theirs else None,
        }
        for name in sorted({*mine, *theirs})
    ]


def _promotion(row: Promotion) -> PromotionInfo:
    return PromotionInfo(
        id=row.id,
        alias=row.alias,
        kind=row.kind,
        version=_name(row.version),
        previous=_name(row.previous),
        verdict=row.verdict,
        reason=row.reason,
        made_by=row.made_by,
        created_at=row.created_at,
    )


def _name(row: Version | None) -> VersionName | None:
    return VersionName(row.id, row.number) if row is not None else None


def _may_read(actor: Actor) -> None:
    actor.require_role(Role.VIEWER)
