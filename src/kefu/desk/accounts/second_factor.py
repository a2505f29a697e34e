"""A person's second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes that work once each.

The app's secret lies sealed with the installation's key, recovery codes only as keyed digests. A code works once, and
only in its own half minute and the ones beside it.
"""

import base64
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from urllib.parse import quote, urlencode

import segno
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from allauth.mfa.totp.internal.auth import yield_hotp_counters_from_time as counters
from django.db import transaction

from kefu.desk.accounts.actions import audit, confirm_password
from kefu.desk.accounts.models import Member, User
from kefu.desk.accounts.queries import member_row, memberships, require_over
from kefu.desk.actor import Actor
from kefu.desk.crypto import derived_key, seal, unseal
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, Conflict, NotSignedIn
from kefu.kit.limits import RateLimit

RECOVERY_CODES = 10  # enough for some lost telephones, few enough to be written on a card
# Three codes of a million are right at a time. Five attempts in five minutes and fifty a day leave who has the
# password one chance in some 6,700 a day.
_ATTEMPTS, _SECONDS = 5, 300.0
_ATTEMPTS_A_DAY, _DAY = 50, 86_400.0
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without 0/O and 1/l; ten of them are 49 bits
_TOTP, _RECOVERY = Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES


@dataclass(frozen=True)
class SecondFactor:
    """`required_by`: the titles of the person's workspaces that ask for one."""

    is_on: bool
    since: datetime | None
    codes_left: int
    required_by: tuple[str, ...]


def second_factor(user: User) -> SecondFactor:
    """What a person has set up."""
    rows = {row.type: row for row in Authenticator.objects.filter(user=user)}
    app, codes = rows.get(_TOTP), rows.get(_RECOVERY)
    return SecondFactor(
        is_on=app is not None,
        since=app.created_at if app else None,
        codes_left=len(codes.data["digests"]) if codes else 0,
        required_by=_required_by(user),
    )


def is_on(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user, type=_TOTP).exists())


def check(user: User, *, code: str) -> None:
    """Use up a code of the app, or a recovery code. Raises NotSignedIn, and Busy past the rate."""
    _per_minutes().take(user.pk, what="codes")
    _per_day().take(user.pk, what="codes")
    plain = "".join(code.split()).replace("-", "").lower()
    with transaction.atomic():
        rows = {row.type: row for row in Authenticator.objects.select_for_update().filter(user=user)}
        if plain.isdecimal():
            right = _TOTP in rows and _use_app(rows[_TOTP], plain)
        else:
            right = _RECOVERY in rows and _use_recovery(rows[_RECOVERY], plain)
    if not right:
        raise NotSignedIn("This code is not right, or was used before.", field="code")


def begin(user: User, *, password: str) -> str:
    """A new secret for an authenticator app, sealed, to be kept until `confirm`.

    Raises BadInput for a wrong password, Conflict for who has an app already.
    """
    confirm_password(user, password, field="password")
    if is_on(user):
        raise Conflict("An authenticator app is set up already; take it away first.")
    return _sealed(user, generate_totp_secret())


def secret_of(user: User, sealed: str) -> str:
    """The secret in letters that an app takes."""
    return unseal(derived_key("second factors"), base64.b64decode(sealed), about=user.pk).decode()


def address_of(user: User, sealed: str) -> str:
    """What the QR code holds: the secret, and what the app calls it."""
    told = urlencode({"secret": secret_of(user, sealed), "issuer": "Kefu"}, quote_via=quote)
    return f"otpauth://totp/Kefu:{quote(user.email)}?{told}"


def picture_of(user: User, sealed: str) -> str:
    """The QR code as a data address of an SVG."""
    return str(segno.make(address_of(user, sealed), error="m").svg_data_uri(scale=5, border=4, light="#fff"))


def confirm(user: User, *, sealed: str, code: str) -> list[str]:
    """Set the app up whose code proves that it has the secret; gives the recovery codes, shown once.

    Raises BadInput for a wrong code, Conflict for who has an app already, Busy past the rate.
    """
    _per_minutes().take(user.pk, what="codes")
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # two windows confirm one after the other
        if is_on(user):
            raise Conflict("An authenticator app is set up already; take it away first.")
        row = Authenticator(user=user, type=_TOTP, data={"secret": sealed, "used": 0})
        if not _is_of_app(row, "".join(code.split())):
            raise BadInput("This code is not right; does the telephone's clock go well?", field="code")
        row.save()
        _audit(user, "member.second_factor_on")
        return _new_codes(user)


def renew_codes(user: User, *, password: str) -> list[str]:
    """New recovery codes; the old ones work no more. Raises BadInput for a wrong password, Conflict without an app."""
    confirm_password(user, password, field="password")
    with transaction.atomic():
        if not is_on(user):
            raise Conflict("Set up an authenticator app first.")
        _audit(user, "member.recovery_codes_made")
        return _new_codes(user)


def remove(user: User, *, password: str) -> None:
    """Take the second factor away. Raises BadInput for a wrong password, Conflict where a workspace asks for it."""
    confirm_password(user, password, field="password")
    required = _required_by(user)
    if required:
        raise Conflict(f"{', '.join(required)} asks for a second factor.", workspaces=list(required))
    with transaction.atomic():
        _remove(user)
        _audit(user, "member.second_factor_off")


def reset(actor: Actor, *, member_id: str) -> bool:
    """Take a member's second factor away, who has lost it; gives whether there was one. Raises NotFound, NotAllowed."""
    with transaction.atomic():
        row = member_row(actor.workspace_id, member_id)
        require_over(actor, row)
        was_on = _remove(row.user)
        audit(actor, "member.second_factor_reset", row.id, before={"email": row.user.email, "second_factor": was_on})
    return was_on


def with_second_factor(user_ids: set[str]) -> set[str]:
    """Which of these people have an authenticator app."""
    return set(Authenticator.objects.filter(user_id__in=user_ids, type=_TOTP).values_list("user_id", flat=True))


def _use_app(row: Authenticator, code: str) -> bool:
    right = _is_of_app(row, code)
    if right:
        row.last_used_at = now()
        row.save(update_fields=["data", "last_used_at"])
    return right


def _is_of_app(row: Authenticator, code: str) -> bool:
    """Whether a code is the app's, of a time after the last that was used; notes that it is used."""
    secret = secret_of(row.user, row.data["secret"])
    for counter in counters():
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, counter))):
            if counter <= row.data["used"]:
                return False
            row.data["used"] = counter
            return True
    return False


def _use_recovery(row: Authenticator, code: str) -> bool:
    mine = _digest(row.user_id, code)
    left = [each for each in row.data["digests"] if not hmac.compare_digest(each, mine)]
    if len(left) == len(row.data["digests"]):
        return False
    row.data, row.last_used_at = {"digests": left}, now()
    row.save(update_fields=["data", "last_used_at"])
    return True


def _new_codes(user: User) -> list[str]:
    made = ["".join(secrets.choice(_LETTERS) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    data = {"digests": [_digest(user.pk, code) for code in made]}
    Authenticator.objects.update_or_create(user=user, type=_RECOVERY, defaults={"data": data, "created_at": now()})
    return [f"{code[:5]}-{code[5:]}" for code in made]


def _remove(user: User) -> bool:
    deleted, _ = Authenticator.objects.filter(user=user).delete()
    return bool(deleted)


def _digest(user_id: str, code: str) -> str:
    # Keyed, since 49 bits alone could be tried out with a stolen database.
    return hmac.digest(derived_key("recovery codes"), f"{user_id} {code}".encode(), "sha256").hex()


def _sealed(user: User, secret: str) -> str:
    return base64.b64encode(seal(derived_key("second factors"), secret, about=user.pk)).decode()


def _required_by(user: User) -> tuple[str, ...]:
    lacking = memberships(user.pk, second=False)
    return tuple(each.workspace.title for each in lacking if each.needs == "second_factor")


def _audit(user: User, action: str) -> None:
    """A person's own doing, told in each of their workspaces."""
    rows = Member.objects.across_workspaces("a person's own memberships").filter(user=user, is_active=True)
    for row in rows:
        audit(Actor(row.workspace_id, "member", row.id), action, row.id, after={"email": user.email})


@cache
def _per_minutes() -> RateLimit:
    return RateLimit(_ATTEMPTS, _SECONDS)


@cache
def _per_day() -> RateLimit:
    return RateLimit(_ATTEMPTS_A_DAY, _DAY)
