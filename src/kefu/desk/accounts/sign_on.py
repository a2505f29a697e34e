"""Single sign-on of a workspace: its settings, and who comes in by it."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.accounts.models import Member, SignOn, User, Workspace
from kefu.desk.accounts.oidc import Claims, SignOnRefused, SignOnServer, check_issuer, described
from kefu.desk.accounts.queries import member_row, require_over, workspace, workspace_key
from kefu.desk.accounts.sign_ins import end_all_of_way
from kefu.desk.actor import Actor, Role
from kefu.desk.crypto import seal, unseal
from kefu.kit.errors import BadInput
from kefu.kit.settings import settings

_NEWCOMERS = (Role.SUPERVISOR, Role.AGENT, Role.VIEWER)  # nobody becomes an owner or admin by another server's word
_MOST_DOMAINS = 50


@dataclass(frozen=True)
class SignOnInfo:
    """`address` is the one for a company's own pages to link to; `redirect` belongs into the server's settings."""

    issuer: str = ""
    client_id: str = ""
    has_secret: bool = False
    domains: tuple[str, ...] = ()
    newcomer_role: str = ""
    trusts_unverified: bool = False
    is_on: bool = False
    is_only_way: bool = False
    break_glass: str | None = None
    address: str = ""
    redirect: str = ""


def sign_on(actor: Actor) -> SignOnInfo:
    """The settings, without the secret. Raises NotAllowed."""
    actor.require_role(Role.ADMIN)
    return _info(actor.workspace_id, _row(actor.workspace_id))


def set_sign_on(actor: Actor, *, changes: dict[str, Any]) -> SignOnInfo:
    """Change what is given: issuer, client_id, secret, domains, newcomer_role, trusts_unverified, is_on, is_only_way,
    break_glass (a member's id).

    Turning it on asks the server to describe itself. Raises BadInput that names the field, NotAllowed: owners alone.
    """
    actor.require_role(Role.OWNER)
    changes = dict(changes)
    secret = changes.pop("secret", None)
    known = _row(actor.workspace_id) or SignOn()
    if changes.get("is_on", known.is_on):  # before the transaction: it may take seconds
        described(changes.get("issuer", known.issuer).strip())
    with transaction.atomic():
        Workspace.objects.select_for_update().get(id=actor.workspace_id)
        row = _row(actor.workspace_id) or SignOn(workspace_id=actor.workspace_id, sealed_secret=b"")
        before = _kept(row)
        for name, value in changes.items():
            setattr(row, "break_glass_id" if name == "break_glass" else name, value)
        row.issuer, row.client_id = row.issuer.strip(), row.client_id.strip()
        row.domains = sorted({each.strip().lower().lstrip("@") for each in row.domains if each.strip()})
        if secret:
            row.sealed_secret = seal(workspace_key(actor.workspace_id), secret, about="sign-on")
        _check(actor, row)
        if before["issuer"] != row.issuer:  # another server's names are other people's
            Member.objects.of(actor.workspace_id).exclude(sso_subject="").update(sso_subject="")
        row.save()
        if before["is_on"] and (not row.is_on or before["issuer"] != row.issuer):
            end_all_of_way(f"sso:{actor.workspace_id}")  # the server may be no longer trusted
        announce(actor.workspace_id, "member.updated", actor.workspace_id)
        announce(actor.workspace_id, "workspace.updated", actor.workspace_id)
        after = {**_kept(row), **({"secret": "changed"} if secret else {})}
        audit(actor, "sso.changed", row.id, before=before, after=after)
    return _info(actor.workspace_id, row)


def check_server(actor: Actor) -> None:
    """Ask the server that is set to describe itself. Raises BadInput that says what is wrong with it, NotAllowed."""
    actor.require_role(Role.ADMIN)
    row = _row(actor.workspace_id)
    if row is None or not row.issuer:
        raise BadInput("Set the issuer first.", field="issuer")
    described(row.issuer)


def forget_subject(actor: Actor, *, member_id: str) -> None:
    """Let a member's account at the company's server be another one from now on. Raises NotFound, NotAllowed."""
    with transaction.atomic():
        row = member_row(actor.workspace_id, member_id)
        require_over(actor, row)
        row.sso_subject = ""
        row.save(update_fields=["sso_subject"])
        announce(actor.workspace_id, "member.updated", row.id)
        audit(actor, "member.sso_unlinked", row.id, before={"email": row.user.email})


def ways_in(slug: str) -> dict[str, Any] | None:
    """The workspace's title where its people may come in by the company's account, for the page to log in at."""
    rows = SignOn.objects.across_workspaces("by the workspace's name").filter(workspace__slug=slug, is_on=True)
    row = rows.select_related("workspace").first()
    return {"slug": row.workspace.slug, "title": row.workspace.title} if row else None


def the_only_one() -> dict[str, Any] | None:
    """As `ways_in`, of an installation that has one workspace: nobody need name it."""
    slugs = list(Workspace.objects.values_list("slug", flat=True)[:2])
    return ways_in(slugs[0]) if len(slugs) == 1 else None


def server_of(slug: str, *, base: str) -> SignOnServer:
    """Where a workspace's people are sent. Raises SignOnRefused, alike for no workspace and for none with sign-on."""
    rows = SignOn.objects.across_workspaces("by the workspace's name").filter(workspace__slug=slug, is_on=True)
    row = rows.select_related("workspace").first()
    if row is None:
        raise SignOnRefused("unknown", "No workspace of this name lets people in by their company's account.")
    secret = unseal(workspace_key(row.workspace_id), row.sealed_secret, about="sign-on").decode()
    return SignOnServer(row.workspace_id, row.issuer, row.client_id, secret, _redirect(slug, base))


def arrive(workspace_id: str, claims: Claims) -> User:
    """Who the server says has come: a member, or a newcomer where they are let in. Raises SignOnRefused."""
    with transaction.atomic():
        rule = SignOn.objects.of(workspace_id).select_for_update().filter(is_on=True).first()
        if rule is None:
            raise SignOnRefused("unknown", "The workspace no longer lets people in by their company's account.")
        members = Member.objects.of(workspace_id).select_related("user")
        row = members.filter(sso_subject=claims.subject).first()
        if row is None:
            _check_address(rule, claims)
            row = members.filter(user__email=claims.email).first()
            if row is not None and row.sso_subject:
                raise SignOnRefused("other_account", "This address belongs to another account of your company's.")
            row = row or _newcomer(rule, claims)
            if row.is_active:
                row.sso_subject = claims.subject
                row.save(update_fields=["sso_subject"])
                announce(workspace_id, "member.updated", row.id)
                audit(Actor(workspace_id, "member", row.id), "member.sso_linked", row.id, after={"role": row.role})
        if not row.is_active or not row.user.is_active:
            raise SignOnRefused("ended", "You are no longer a member of this workspace.")
        return row.user


def _newcomer(rule: SignOn, claims: Claims) -> Member:
    if not rule.newcomer_role:
        raise SignOnRefused("not_invited", "Nobody has invited you to this workspace yet.")
    user, is_new = User.objects.get_or_create(email=claims.email, defaults={"name": claims.name})
    if is_new:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    row = Member.objects.create(workspace_id=rule.workspace_id, user=user, role=rule.newcomer_role)
    announce(rule.workspace_id, "member.created", row.id)
    audit(Actor(rule.workspace_id, "member", row.id), "member.joined", row.id, after={"role": row.role, "way": "sso"})
    return row


def _check_address(rule: SignOn, claims: Claims) -> None:
    if "@" not in claims.email:
        raise SignOnRefused("no_address", "The company's server does not tell your mail address.")
    if not claims.is_verified and not rule.trusts_unverified:
        raise SignOnRefused("unverified", "The company's server does not say that your mail address is yours.")
    if rule.domains and claims.email.rpartition("@")[2] not in rule.domains:
        raise SignOnRefused("domain", "Mail addresses of this domain are not let in.")


def _check(actor: Actor, row: SignOn) -> None:
    if row.newcomer_role and row.newcomer_role not in _NEWCOMERS:
        raise BadInput(f"Newcomers may be {', '.join(_NEWCOMERS)}, or nobody.", field="newcomer_role")
    if row.newcomer_role and not row.domains:
        raise BadInput(
            "Say which mail domains newcomers may have; else anybody with an account comes in.", field="domains"
        )
    if len(row.domains) > _MOST_DOMAINS or any("." not in each or len(each) > 253 for each in row.domains):
        raise BadInput(f"Domains look like example.com; at most {_MOST_DOMAINS}.", field="domains")
    if not row.is_on:
        row.is_only_way = False
        return
    check_issuer(row.issuer)
    if not row.client_id:
        raise BadInput("The server knows Kefu by a client id.", field="client_id")
    if not row.sealed_secret:
        raise BadInput("The server gave a secret with the client id.", field="secret")
    if row.is_only_way:
        _check_way_out(actor, row)


def _check_way_out(actor: Actor, row: SignOn) -> None:
    """Whoever remains able to come in with a password when the server is away."""
    mine = Member.objects.of(actor.workspace_id)
    if row.break_glass_id is None and actor.kind == "member":
        row.break_glass_id = actor.id
    owner = mine.select_related("user").filter(id=row.break_glass_id, role=Role.OWNER, is_active=True).first()
    if owner is None or not owner.user.has_usable_password():
        raise BadInput("Name an owner who keeps a password, should the server be away.", field="break_glass")


def _row(workspace_id: str) -> SignOn | None:
    return SignOn.objects.of(workspace_id).first()


def _kept(row: SignOn) -> dict[str, Any]:
    names = ("issuer", "client_id", "domains", "newcomer_role", "trusts_unverified", "is_on", "is_only_way")
    return {**{name: getattr(row, name) for name in names}, "break_glass": row.break_glass_id}


def _info(workspace_id: str, row: SignOn | None) -> SignOnInfo:
    slug, base = workspace(workspace_id).slug, settings().public_url
    kept = _kept(row) if row else {}
    return SignOnInfo(
        **{**kept, "domains": tuple(kept.get("domains", ()))},
        has_secret=bool(row and row.sealed_secret),
        address=f"{base}/desk/sso/{slug}/start",
        redirect=_redirect(slug, base),
    )


def _redirect(slug: str, base: str) -> str:
    return f"{base}/desk/sso/{slug}/callback"
