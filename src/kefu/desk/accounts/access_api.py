"""Routes of second factors, sessions and single sign-on."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Status

from kefu.desk.accounts import access_schemas as schemas
from kefu.desk.accounts import second_factor, sign_ins, sign_on
from kefu.desk.accounts.queries import BY_PASSWORD
from kefu.desk.http.entry import Entered, member, person
from kefu.kit.errors import BadInput, NotAllowed

router = Router(auth=member)

_SET_UP = "second_factor_set_up"  # the session's key: a sealed secret until its first code


@router.get("/session/second-factor", auth=person, response=schemas.SecondFactor, tags=["Session"])
def read_second_factor(request: HttpRequest) -> Any:
    """Whether a second factor is set up, and who asks for it."""
    return second_factor.second_factor(_person(request).user)


@router.post("/session/second-factor/app", auth=person, response=schemas.NewSecondFactor, tags=["Session"])
def begin_second_factor(request: HttpRequest, body: schemas.Password) -> dict[str, Any]:
    """A secret for an authenticator app; it counts once its first code is confirmed."""
    user = _own(request).user
    sealed = request.session[_SET_UP] = second_factor.begin(user, password=body.password)
    return {
        "secret": second_factor.secret_of(user, sealed),
        "address": second_factor.address_of(user, sealed),
        "picture": second_factor.picture_of(user, sealed),
    }


@router.put("/session/second-factor/app", auth=person, response=schemas.RecoveryCodes, tags=["Session"])
def confirm_second_factor(request: HttpRequest, body: schemas.Code) -> dict[str, Any]:
    """Set it up with the app's first code. The person's other sessions end."""
    user = _own(request).user
    sealed = request.session.get(_SET_UP)
    if sealed is None:
        raise BadInput("Begin with POST, which gives the secret.")
    codes = second_factor.confirm(user, sealed=sealed, code=body.code)
    del request.session[_SET_UP]
    sign_ins.begin(request, user, second=True)
    sign_ins.end_all(user, but=request.session.session_key)
    return {"recovery_codes": codes}


@router.post("/session/second-factor/recovery-codes", auth=person, response=schemas.RecoveryCodes, tags=["Session"])
def renew_recovery_codes(request: HttpRequest, body: schemas.Password) -> dict[str, Any]:
    """New recovery codes in place of the old ones."""
    return {"recovery_codes": second_factor.renew_codes(_own(request).user, password=body.password)}


@router.post("/session/second-factor/off", auth=person, response=schemas.SecondFactor, tags=["Session"])
def remove_second_factor(request: HttpRequest, body: schemas.Password) -> Any:
    """Take the second factor away, where no workspace asks for it."""
    user = _own(request).user
    second_factor.remove(user, password=body.password)
    return second_factor.second_factor(user)


@router.get("/session/list", auth=person, response=schemas.SignIns, tags=["Session"])
def own_sessions(request: HttpRequest) -> dict[str, Any]:
    """Where one is signed in, this session first."""
    who = _person(request)
    return {"sessions": sign_ins.sign_ins(who.user, key=request.session.session_key, way=who.way)}


@router.delete("/session/list", auth=person, response=schemas.Ended, tags=["Session"])
def end_other_sessions(request: HttpRequest) -> dict[str, Any]:
    """End all of one's sessions but this one."""
    who = _person(request)
    return {"ended": sign_ins.end_all(who.user, but=request.session.session_key, way=who.way)}


@router.delete("/session/list/{session_id}", auth=person, response={204: None}, tags=["Session"])
def end_session(request: HttpRequest, session_id: str) -> Status[Any]:
    """End one of one's sessions."""
    who = _person(request)
    sign_ins.end(who.user, sign_in_id=session_id, way=who.way)
    return Status(204, None)


@router.get("/session/ways", auth=None, response=schemas.SignOnWays, tags=["Session"])
def ways(request: HttpRequest, workspace: Query[str] = "") -> dict[str, Any]:
    """Whether a workspace, named by who logs in, lets people in by their company's account."""
    return {"workspace": sign_on.ways_in(workspace.strip().lower()) if workspace.strip() else sign_on.the_only_one()}


@router.delete("/members/{member_id}/second-factor", response={204: None}, tags=["Members"])
def reset_second_factor(request: HttpRequest, member_id: str) -> Status[Any]:
    """Take away the second factor of somebody who has lost it."""
    second_factor.reset(request.auth, member_id=member_id)  # type: ignore[attr-defined]
    return Status(204, None)


@router.get("/members/{member_id}/sessions", response=schemas.SignIns, tags=["Members"])
def sessions_of_member(request: HttpRequest, member_id: str) -> dict[str, Any]:
    """Where a member is signed in."""
    return {"sessions": sign_ins.of_member(request.auth, member_id=member_id)}  # type: ignore[attr-defined]


@router.delete("/members/{member_id}/sessions", response=schemas.Ended, tags=["Members"])
def end_sessions_of_member(request: HttpRequest, member_id: str, session: Query[str | None] = None) -> dict[str, Any]:
    """End all sessions of a member, or one."""
    actor = request.auth  # type: ignore[attr-defined]
    return {"ended": sign_ins.end_of_member(actor, member_id=member_id, sign_in_id=session)}


@router.delete("/members/{member_id}/sso", response={204: None}, tags=["Members"])
def forget_subject(request: HttpRequest, member_id: str) -> Status[Any]:
    """Let a member come with another account of the company's server from now on."""
    sign_on.forget_subject(request.auth, member_id=member_id)  # type: ignore[attr-defined]
    return Status(204, None)


@router.get("/settings/sso", response=schemas.SignOn, tags=["Settings"])
def read_sign_on(request: HttpRequest) -> Any:
    """How people come in by their company's account; without the secret."""
    return _shown(request, sign_on.sign_on(request.auth))  # type: ignore[attr-defined]


@router.patch("/settings/sso", response=schemas.SignOn, tags=["Settings"])
def change_sign_on(request: HttpRequest, body: schemas.SignOnChange) -> Any:
    """Change what is given. Turning it on asks the server to describe itself. Owners alone."""
    changes = body.dict(exclude_unset=True)
    unset = {name for name, value in changes.items() if value is None and name not in {"break_glass", "secret"}}
    if unset:
        raise BadInput(f"{', '.join(sorted(unset))} cannot be nothing.", field=min(unset))
    return _shown(request, sign_on.set_sign_on(request.auth, changes=changes))  # type: ignore[attr-defined]


@router.post("/settings/sso/check", response={204: None}, tags=["Settings"])
def check_sign_on(request: HttpRequest) -> Status[Any]:
    """Ask the server that is set to describe itself, and say what is wrong with it."""
    sign_on.check_server(request.auth)  # type: ignore[attr-defined]
    return Status(204, None)


def _shown(request: HttpRequest, info: sign_on.SignOnInfo) -> dict[str, Any]:
    """Addresses as the browser knows them, where the installation has no public one."""
    base = request.build_absolute_uri("/")[:-1]
    shown = asdict(info)
    for name in ("address", "redirect"):
        shown[name] = shown[name] if shown[name].startswith("http") else base + shown[name]
    return shown


def _person(request: HttpRequest) -> Entered:
    return request.auth  # type: ignore[attr-defined, no-any-return]


def _own(request: HttpRequest) -> Entered:
    """Who came with a password of their own: a company's server may not change how somebody comes in elsewhere."""
    who = _person(request)
    if who.way != BY_PASSWORD:
        raise NotAllowed("You came in by your company's account; its server guards it.")
    return who
