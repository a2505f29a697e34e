"""Members judge what the assistant did not answer: whether it refused, or handed over, for good reason."""

from django.db import transaction

from kefu.desk.accounts.actions import announce
from kefu.desk.actor import Actor, Role
from kefu.desk.inbox.actions.happenings import happened
from kefu.desk.inbox.models import Message
from kefu.desk.inbox.queries import get
from kefu.desk.statements import update
from kefu.kit.errors import BadInput, NotFound

VERDICTS = ("right", "wrong", "")
JUDGED = frozenset({"refuse", "hand_over"})


def judge(actor: Actor, *, conversation_id: str, message_id: str, verdict: str) -> None:
    """Say whether a refusal or a hand-over was right or wrong; empty takes that back, and the last one counts.

    Raises BadInput for another verdict, NotFound for a message that is neither, NotAllowed.
    """
    actor.require_role(Role.AGENT)
    if verdict not in VERDICTS:
        raise BadInput(f"A verdict is right, wrong or empty, not {verdict!r}.", field="verdict")
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        said = Message.objects.of(actor.workspace_id).filter(conversation_id=thread.id, author="assistant")
        before, answer = said.filter(id=message_id).values_list("verdict", "answer").first() or ("", None)
        decision = str((answer or {}).get("decision", ""))
        if decision not in JUDGED:
            raise NotFound("There is no such refusal or hand-over.", message=message_id)
        if verdict == before:
            return
        said.filter(id=message_id).update(verdict=verdict)
        happened(thread, "judged", by=actor.id, decision=decision, old=before, new=verdict)
        update(thread, ["clock"])
        announce(actor.workspace_id, "message.rated", message_id, thread.id)
