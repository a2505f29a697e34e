"""Writes of models and versions: making, registering, promoting, rolling back, removing."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from django.db import transaction

from kefu.contracts.gate import Limits, Verdict, judge
from kefu.contracts.model_card import CARD_FILE, ModelCard
from kefu.desk.accounts.actions import announce, audit
from kefu.desk.actor import Actor, Role
from kefu.desk.modelhub import folders
from kefu.desk.modelhub.actions.data import checked_name
from kefu.desk.modelhub.models import Model, Promotion, Run, Version
from kefu.desk.modelhub.queries.data import get_dataset_version
from kefu.desk.modelhub.queries.registry import (
    ModelInfo,
    VersionInfo,
    generator_id,
    get_model,
    get_version,
    limits_of,
    model,
    previous_champion,
    used_versions,
    version,
    version_info,
)
from kefu.desk.modelhub.queries.training import OPEN
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, Conflict, NotFound
from kefu.kit.ids import new_id

# What a workspace uses a model for, and what such a model must give.
ROLES: Mapping[str, str] = {
    "intent": "classify",
    "mood": "score",
    "slots": "tag",
    "picture": "classify",
    "rerank": "rerank",
}
_OF_PICTURES = "picture"  # the role, and the runtime of the models that look at pictures
ALIASES = ("champion", "challenger")
_CHANGES = ("name", "role", "test", "limits")
_MOST_MODELS = 200


class GateRefused(Conflict):
    """The gate refuses a version; `checks` say why, one by one."""

    code = "gate_refused"


@dataclass(frozen=True)
class Registered:
    """A version that was registered, what the gate says of it, and whether it is live."""

    version: VersionInfo
    verdict: Verdict
    is_live: bool


def make_model(actor: Actor, *, name: str, role: str = "") -> ModelInfo:
    """Raises Conflict for a name that is taken, BadInput, NotAllowed."""
    _may_change(actor)
    name = checked_name(name)
    with transaction.atomic():
        if Model.objects.of(actor.workspace_id).filter(name=name).exists():
            raise Conflict(f"There is a model {name!r} already.", name=name)
        row = model_of_name(actor, name)
        if role:
            _set_role(actor, row, role)
    return model(actor, row.id)


def model_of_name(actor: Actor, name: str) -> Model:
    """The model of that id or name, made if it is new, in the caller's transaction. Raises BadInput, Conflict."""
    known = Model.objects.of(actor.workspace_id)
    row = known.filter(id=name).first() or known.filter(name=checked_name(name)).first()
    if row is not None:
        return get_model(actor.workspace_id, row.id)
    if known.count() >= _MOST_MODELS:
        raise Conflict(f"A workspace has at most {_MOST_MODELS} models; remove one.")
    row, _ = Model.objects.of(actor.workspace_id).get_or_create(
        workspace_id=actor.workspace_id, name=checked_name(name)
    )
    announce(actor.workspace_id, "modelhub.model_updated", row.id)
    audit(actor, "model.made", row.id, after={"name": row.name})
    return get_model(actor.workspace_id, row.id)


def change_model(actor: Actor, *, model_id: str, changes: Mapping[str, Any]) -> ModelInfo:
    """Change what is named of a model: name, role, test (a dataset version's id, None for none), limits.

    Raises BadInput that names the field, Conflict, NotFound, NotAllowed.
    """
    _may_change(actor)
    unknown = sorted(set(changes) - set(_CHANGES))
    if unknown:
        raise BadInput(f"A model has no {unknown[0]}.", field=unknown[0])
    with transaction.atomic():
        row = get_model(actor.workspace_id, model_id, lock=True)
        before = {"name": row.name, "role": row.role, "test": row.test_id, "limits": row.limits}
        if "name" in changes:
            row.name = _free_name(row, checked_name(str(changes["name"] or "")))
        if "test" in changes:
            row.test = get_dataset_version(actor.workspace_id, changes["test"]) if changes["test"] else None
        if "limits" in changes:
            row.limits = _limits(changes["limits"] or {})
        row.updated_at = now()
        row.save(update_fields=["name", "test", "limits", "updated_at"])
        if "role" in changes and (changes["role"] or "") != row.role:
            _set_role(actor, row, changes["role"] or "")
        announce(actor.workspace_id, "modelhub.model_updated", row.id)
        after = {"name": row.name, "role": row.role, "test": row.test_id, "limits": row.limits}
        audit(actor, "model.changed", row.id, before=before, after=after)
    return model(actor, model_id)


def remove_model(actor: Actor, *, model_id: str) -> None:
    """Delete a model with its versions and runs. Raises Conflict while it is used, NotFound, NotAllowed."""
    _may_change(actor)
    with transaction.atomic():
        row = get_model(actor.workspace_id, model_id, lock=True)
        if row.role:
            raise Conflict(f"{row.name} is used for {row.role}; take the role away first.", role=row.role)
        if Run.objects.of(actor.workspace_id).filter(model_id=row.id, state__in=OPEN).exists():
            raise Conflict("A run works on this model; wait for it or cancel it.")
        mine = Version.objects.of(actor.workspace_id).filter(model_id=row.id)
        if mine.filter(id=generator_id(actor.workspace_id)).exists():
            raise Conflict(f"A version of {row.name} is the assistant's generator; choose another first.")
        places = list(mine.values_list("folder", flat=True))
        name = row.name
        row.delete()
        announce(actor.workspace_id, "modelhub.model_removed", model_id)
        audit(actor, "model.removed", model_id, before={"name": name, "versions": len(places)})
        transaction.on_commit(lambda: _drop(places))


def register_folder(
    actor: Actor,
    *,
    name: str,
    folder: Path,
    role: str = "",
    note: str = "",
    go_live: bool = False,
    hold: bool = False,
) -> Registered:
    """Keep a model that lies in a folder of this machine as a version of the model of that name.

    With a `role` that no other model has, the model takes it. A first version goes live when the gate lets it;
    `go_live`, which is Kefu's own (a first start, the command line), sets it past the gate; `hold` lets it wait as a
    challenger (`going_live.register_folder` runs the workspace's tests in between). The same card registered
    again gives the version that there is. Raises BadInstallation for files that are not what the card says, BadInput,
    TooLarge, NotAllowed.
    """
    _may_change(actor)
    if go_live and actor.kind != "system":
        actor.require_role(Role.ADMIN)
    card = folders.verified(folder)
    sha256 = folders.sha256_of(folder / CARD_FILE)
    with transaction.atomic():
        owner = model_of_name(actor, name)
        if role and not owner.role and not Model.objects.of(actor.workspace_id).filter(role=role).exists():
            _check_task(role, card)
            _set_role(actor, owner, role)
    known = Version.objects.of(actor.workspace_id).filter(model_id=owner.id, sha256=sha256).first()
    row = known or store_version(actor, owner, folder, note=note or "Registered")
    return _live_if_first(actor, row.id, go_live=go_live, hold=hold)


def store_version(
    actor: Actor, owner: Model, folder: Path, *, version_id: str = "", run: Run | None = None, note: str = ""
) -> Version:
    """Keep a folder as a model's next version. Raises BadInstallation, BadInput, TooLarge."""
    card = folders.verified(folder)
    version_id = version_id or new_id("ver")
    place = f"{actor.workspace_id}/models/{version_id}"
    files = folders.keep(folder, place)  # before the rows, and outside of a transaction: it may take minutes
    row = Version(
        id=version_id,
        workspace_id=actor.workspace_id,
        model=owner,
        run=run,
        folder=place,
        files=files,
        card=asdict(card),
        sha256=next(each["sha256"] for each in files if each["path"] == CARD_FILE),
        bytes=sum(each["bytes"] for each in files),
        note=note[:300],
        made_by=actor.id,
    )
    try:
        with transaction.atomic():
            get_model(actor.workspace_id, owner.id, lock=True)
            mine = Version.objects.of(actor.workspace_id).filter(model_id=owner.id)
            row.number = (mine.order_by("-number").values_list("number", flat=True).first() or 0) + 1
            row.save(force_insert=True)
            announce(actor.workspace_id, "modelhub.model_updated", owner.id)
            audit(actor, "version.made", row.id, after={"model": owner.name, "version": row.number})
    except Exception:
        folders.drop(place)
        raise
    return row


def promote(
    actor: Actor,
    *,
    model_id: str,
    version_id: str,
    alias: str = "champion",
    override: bool = False,
    reason: str = "",
) -> ModelInfo:
    """Make a version champion, if the gate lets it, or challenger. Servers change over without a restart.

    `override` goes past a gate that refuses; it needs an admin and a reason. Raises GateRefused with every check,
    BadInstallation for files that were altered, BadInput, NotFound, NotAllowed.
    """
    _may_change(actor)
    if alias not in ALIASES:
        raise BadInput(f"Aliases are {' and '.join(ALIASES)}, not {alias!r}.", field="alias")
    if override:
        actor.require_role(Role.ADMIN)
        if not reason.strip():
            raise BadInput("Going past the gate needs a reason.", field="reason")
    row = _of(actor, model_id, version_id)
    folders.verified(folders.local(row.folder, row.files), row.sha256)
    with transaction.atomic():
        owner = get_model(actor.workspace_id, model_id, lock=True)
        row = _of(actor, model_id, version_id)
        if alias == "challenger":
            _set(actor, owner, alias, row, kind="promote", verdict=None, reason=reason)
            return model(actor, model_id)
        card = version_info(row, frozenset()).card
        if owner.role:
            _check_task(owner.role, card)
        verdict = verdict_of(owner, row)
        if not verdict.passed and not override:
            raise _refused(row, verdict)
        kind = "promote" if verdict.passed else "override"
        _set(actor, owner, alias, row, kind=kind, verdict=verdict, reason=reason)
    return model(actor, model_id)


def roll_back(actor: Actor, *, model_id: str, reason: str = "") -> ModelInfo:
    """Make the champion the version that was it before. Raises Conflict where there is none, NotFound, NotAllowed."""
    _may_change(actor)
    before = previous_champion(get_model(actor.workspace_id, model_id))
    if before is None:
        raise Conflict("There is no earlier champion to go back to.", model=model_id)
    folders.verified(folders.local(before.folder, before.files), before.sha256)
    with transaction.atomic():
        owner = get_model(actor.workspace_id, model_id, lock=True)
        again = previous_champion(owner)
        if again is None or again.id != before.id:
            raise Conflict("Somebody has changed the champion meanwhile; look again.", model=model_id)
        _set(actor, owner, "champion", again, kind="rollback", verdict=None, reason=reason)
    return model(actor, model_id)


def remove_version(actor: Actor, *, version_id: str) -> None:
    """Delete a version that nothing uses. Raises Conflict for another, NotFound, NotAllowed."""
    _may_change(actor)
    with transaction.atomic():
        row = get_version(actor.workspace_id, version_id)
        get_model(actor.workspace_id, row.model_id, lock=True)
        if row.id in used_versions(actor.workspace_id):
            raise Conflict(
                f"Version {row.number} is champion, challenger or the assistant's generator, or a run works with it.",
                version=version_id,
            )
        place, owner_id = row.folder, row.model_id
        before = {"model": row.model.name, "version": row.number}
        row.delete()
        announce(actor.workspace_id, "modelhub.model_updated", owner_id)
        audit(actor, "version.removed", version_id, before=before)
        transaction.on_commit(lambda: _drop([place]))


def verdict_of(owner: Model, row: Version) -> Verdict:
    """What the gate says of a version beside the model's champion."""
    champion = owner.champion if owner.champion_id != row.id else None
    live = version_info(get_version(owner.workspace_id, champion.id), frozenset()).card if champion else None
    return judge(version_info(row, frozenset()).card, live, limits_of(owner))


def _live_if_first(actor: Actor, version_id: str, *, go_live: bool, hold: bool) -> Registered:
    with transaction.atomic():
        row = get_version(actor.workspace_id, version_id)
        owner = get_model(actor.workspace_id, row.model_id, lock=True)
        verdict = verdict_of(owner, row)
        is_first = owner.champion_id is None
        if owner.champion_id != row.id and not hold and (go_live or (is_first and verdict.passed)):
            kind = "promote" if verdict.passed else "override"
            _set(actor, owner, "champion", row, kind=kind, verdict=verdict, reason="Registered to go live")
        elif is_first and owner.challenger_id is None:
            _set(actor, owner, "challenger", row, kind="promote", verdict=None, reason="")
    info = version(actor, version_id)
    return Registered(info, verdict, "champion" in info.aliases)


def _set(
    actor: Actor, owner: Model, alias: str, row: Version, *, kind: str, verdict: Verdict | None, reason: str
) -> None:
    """Name a version by an alias, in the caller's transaction."""
    before = getattr(owner, alias)
    if before is not None and before.id == row.id:
        return
    setattr(owner, alias, row)
    if alias == "champion" and owner.challenger_id == row.id:
        owner.challenger = None
    owner.updated_at = now()
    owner.save(update_fields=["champion", "challenger", "updated_at"])
    told = {"passed": verdict.passed, "checks": [asdict(check) for check in verdict.checks]} if verdict else None
    made = Promotion.objects.create(
        workspace_id=actor.workspace_id,
        model=owner,
        alias=alias,
        version=row,
        previous=before,
        kind=kind,
        verdict=told,
        reason=reason.strip()[:1000],
        made_by=actor.id,
    )
    announce(actor.workspace_id, "modelhub.promoted" if alias == "champion" else "modelhub.model_updated", owner.id)
    audit(
        actor,
        "model.rolled_back" if kind == "rollback" else "model.promoted",
        owner.id,
        before={alias: before.number if before else None},
        after={alias: row.number, "kind": kind, "reason": made.reason, "verdict": told},
    )


def _set_role(actor: Actor, row: Model, role: str) -> None:
    """Use a model for a role, in the caller's transaction; whichever had it has none any more."""
    if role and role not in ROLES:
        raise BadInput(f"Roles are {', '.join(ROLES)}, not {role!r}.", field="role")
    if role and row.champion is not None:
        _check_task(role, ModelCard.from_table(row.champion.card))
    if role:
        Model.objects.of(actor.workspace_id).filter(role=role).exclude(id=row.id).update(role="", updated_at=now())
    before = row.role
    row.role = role
    row.save(update_fields=["role"])
    announce(actor.workspace_id, "modelhub.promoted", row.id)
    audit(actor, "model.role", row.id, before={"role": before}, after={"role": role})


def _check_task(role: str, card: ModelCard) -> None:
    wanted = ROLES.get(role)
    if wanted is not None and card.task != wanted:
        gives = {"classify": "labels", "score": "a number", "tag": "slots", "embed": "vectors"}
        gives |= {"rerank": "an order of passages", "language": "words in gaps", "generate": "answers"}
        raise BadInput(f"For {role} a model gives {gives[wanted]}; {card.name} gives {gives[card.task]}.", field="role")
    if (role == _OF_PICTURES) != (card.runtime == _OF_PICTURES):
        reads = "pictures" if card.runtime == _OF_PICTURES else "texts"
        raise BadInput(f"{card.name} reads {reads}: it cannot be used for {role}.", field="role")


def _limits(given: Mapping[str, Any]) -> dict[str, Any]:
    known = {each.name for each in fields(Limits)}
    unknown = sorted(set(given) - known)
    if unknown:
        raise BadInput(f"The gate has no limit {unknown[0]!r}. Limits: {', '.join(sorted(known))}.", field="limits")
    for name, value in given.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
            raise BadInput(f"The limit {name} is a number of 0 or more, not {value!r}.", field=f"limits.{name}")
    return {name: value for name, value in given.items() if value is not None}


def _free_name(row: Model, name: str) -> str:
    if Model.objects.of(row.workspace_id).filter(name=name).exclude(id=row.id).exists():
        raise Conflict(f"There is a model {name!r} already.", name=name)
    return name


def _of(actor: Actor, model_id: str, version_id: str) -> Version:
    owner = get_model(actor.workspace_id, model_id)
    row = get_version(actor.workspace_id, version_id)
    if row.model_id != owner.id:
        raise NotFound(f"{owner.name} has no such version.", version=version_id)
    return row


def _refused(row: Version, verdict: Verdict) -> GateRefused:
    failed = [check for check in verdict.checks if not check.passed]
    return GateRefused(
        f"Version {row.number} may not go live. " + " ".join(check.sentence for check in failed),
        checks=[asdict(check) for check in verdict.checks],
    )


def _drop(places: list[str]) -> None:
    for place in places:
        folders.drop(place)


def _may_change(actor: Actor) -> None:
    actor.require_role(Role.SUPERVISOR)
