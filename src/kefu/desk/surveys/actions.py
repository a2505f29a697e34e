"""Writes of surveys: who is asked and when, what they answer, and how a workspace wants it."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from django.db import transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.actor import Actor, Role, Scope, system
from kefu.desk.contacts.care import Blocked, is_blocked
from kefu.desk.inbox.actions import Happened, Taken, Watcher, happened, is_pushed, language_of, say
from kefu.desk.inbox.models import Conversation, Happening, Message
from kefu.desk.inbox.queries import channels, get, placeholders
from kefu.desk.rows import now
from kefu.desk.statements import update
from kefu.desk.surveys import texts
from kefu.desk.surveys.models import Survey, SurveySettings
from kefu.desk.surveys.queries import SurveyInfo, Surveys, is_open, latest, settings_of, survey_of
from kefu.desk.surveys.reading import BEST, is_remark, read_rating
from kefu.kit.errors import BadInput, Conflict, NotAllowed
from kefu.knowledge.masking import mask

# Who was asked "why" just now answers just now; what comes later is about something else.
_REMARK_WITHIN = timedelta(minutes=10)
_LONGEST_DELAY = 7 * 24 * 3600  # seconds: nobody remembers a conversation of last week
_LONGEST_WINDOW = 90 * 24  # hours
_TEXT, _COMMENT = 500, 2_000  # characters
_ANSWERS = frozenset({"approved", "extracted", "generated", "flow"})
_READ = 200  # the last messages of a conversation that are looked at: whoever asked and was answered did so there
_GOES_ON = frozenset({"reopened", "waits", "owned", "assistant"})


def rate(actor: Actor, *, conversation_id: str, score: int, comment: str = "") -> SurveyInfo:
    """The customer rates, or a program for them. A rating is given once; a comment may follow it.

    Raises Conflict where nobody asked, the time is over or another rating was given, Blocked, BadInput, NotFound,
    NotAllowed.
    """
    if actor.kind == "member":
        raise NotAllowed("Customers rate, not members.")
    if not 1 <= score <= BEST:
        raise BadInput(f"A rating is 1 to {BEST}, not {score}.", field="score")
    if len(comment) > _COMMENT:
        raise BadInput(f"A comment has at most {_COMMENT:,} characters.", field="comment")
    if actor.kind == "key":
        actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        if actor.kind == "visitor" and is_blocked(thread.workspace_id, thread.contact_id):
            raise Blocked("The company takes no ratings from you.", contact=thread.contact_id)
        row = latest(thread.workspace_id, thread.id, lock=True)
        if row is None or row.state not in {"asked", "rated"} or not is_open(row):
            raise Conflict("No rating is asked for here, or the time for it is over.")
        if row.state == "rated" and row.score != score:
            raise Conflict(f"This conversation was rated {row.score} already.", score=row.score)
        if row.state == "asked":
            _rate(thread, row, score, by="stars" if actor.kind == "visitor" else "program")
        if comment.strip():
            _comment(thread, row, comment)
        update(thread, ["clock"])
    return survey_of(actor, conversation_id)


def ask(survey_id: str, *, workspace_id: str, conversation_id: str) -> bool:
    """Ask a customer whose survey is due; False where the conversation has gone on, or nobody can be reached."""
    kefu = system(workspace_id)
    with transaction.atomic():
        thread = get(kefu, conversation_id, lock=True)
        mine = Survey.objects.of(workspace_id).select_for_update(of=("self",))
        row = mine.filter(id=survey_id, state="waiting").first()
        if row is None:
            return False
        if thread.status != "resolved" or not thread.channel.is_active or is_blocked(workspace_id, thread.contact_id):
            _put(row, state="dropped", due_at=None)
            return False
        chosen, at = settings_of(workspace_id), now()
        _put(row, state="asked", due_at=None, asked_at=at, until=at + timedelta(hours=chosen.window_hours))
        language = language_of(thread)
        if is_pushed(thread.channel_id):
            answer = {"survey": row.id, "quick_replies": list(texts.buttons(language))}
            question = texts.text_of(chosen.questions, texts.QUESTIONS, language)
            say(kefu, thread, author="system", author_id="", text=question, answer=answer)
        happened(thread, "surveyed", survey=row.id)
        update(thread, ["clock"])
        announce(workspace_id, "conversation.updated", thread.id, thread.id)
        announce(workspace_id, "survey.updated", row.id, thread.id)
    return True


def set_surveys(actor: Actor, **given: Any) -> Surveys:
    """Set what is given of when and how customers are asked; gives all of it. Raises BadInput, NotAllowed."""
    actor.require_role(Role.ADMIN)
    unknown = sorted(set(given) - set(Surveys.__dataclass_fields__))
    if unknown:
        raise BadInput(f"There is no {unknown[0]!r}; there are {', '.join(Surveys.__dataclass_fields__)}.")
    with transaction.atomic():
        row, _ = SurveySettings.objects.of(actor.workspace_id).get_or_create(workspace_id=actor.workspace_id)
        before = settings_of(actor.workspace_id)
        after = _checked(actor, replace(before, **given))
        row.chosen = asdict(after)
        row.save(update_fields=["chosen"])
        audit(actor, "surveys.set", actor.workspace_id, before=asdict(before), after=row.chosen)
        announce(actor.workspace_id, "workspace.updated", actor.workspace_id)
    return after


def told(thread: Conversation, event: Happened) -> None:
    """What happens in a conversation, in its transaction: its end plans a survey, its going on calls it off."""
    if event.kind == "resolved":
        _plan(thread, event)
    elif event.kind in _GOES_ON:
        waiting = Survey.objects.of(thread.workspace_id).filter(conversation_id=thread.id, state="waiting")
        waiting.update(state="dropped", due_at=None)
    elif event.kind in {"surveyed", "rated"} and "survey" not in event.detail:
        _of_flow(thread, event)


def erased(workspace_id: str, conversation_ids: list[str]) -> None:
    """What customers said about deleted conversations goes with them."""
    Survey.objects.of(workspace_id).filter(conversation_id__in=conversation_ids).delete()


WATCHER = Watcher(told=told, erased=erased)


def heard(thread: Conversation, text: str) -> Taken | None:
    """What a message after the end is, if it answers the survey; None leaves it to whoever answers customers."""
    row = latest(thread.workspace_id, thread.id)
    if row is None or not is_open(row):
        return None
    if row.state == "asked":
        rating = read_rating(text)
        return (
            None if rating is None else Taken({"survey": row.id}, lambda: _rated(thread, rating.score, rating.comment))
        )
    if row.state == "rated" and row.by == "words" and not row.comment and is_remark(text):
        just_now = row.rated_at is not None and now() - row.rated_at < _REMARK_WITHIN
        return Taken({"survey": row.id}, lambda: _remarked(thread, text)) if just_now else None
    return None


def _plan(thread: Conversation, event: Happened) -> None:
    chosen = settings_of(thread.workspace_id)
    if not chosen.is_on or thread.channel_id in chosen.channels_off:
        return
    if event.by == "idle" and not chosen.after_idle:
        return
    if not _is_worth_asking(thread, unanswered=chosen.unanswered) or is_blocked(thread.workspace_id, thread.contact_id):
        return
    row = Survey(
        workspace_id=thread.workspace_id,
        conversation_id=thread.id,
        channel_id=thread.channel_id,
        member_id=thread.assignee_id,
        due_at=event.at + timedelta(seconds=chosen.delay_seconds),
    )
    row.save(force_insert=True)
    announce(thread.workspace_id, "survey.waiting", row.id, thread.id)


def _is_worth_asking(thread: Conversation, *, unanswered: bool) -> bool:
    """Whether the customer wrote and was answered since the last end, and was not asked a short while ago."""
    known = latest(thread.workspace_id, thread.id)
    ends = Happening.objects.of(thread.workspace_id).filter(conversation_id=thread.id, kind="resolved")
    # The newest is the end that is being told of.
    before = ends.order_by("-id").values_list("sequence", "created_at")[1:2]
    since, at = next(iter(before), (0, thread.created_at))
    if known is not None and (known.state == "waiting" or (known.state == "asked" and is_open(known))):
        return False
    # What a flow asked in the middle was about this end; stars and words were about the one before.
    if known is not None and known.by == "flow" and known.rated_at is not None and known.rated_at >= at:
        return False
    said = Message.objects.of(thread.workspace_id).filter(
        conversation_id=thread.id, sequence__gt=since, is_internal=False
    )
    authors = set()
    for author, answer in said.order_by("-sequence").values_list("author", "answer")[:_READ]:
        if author == "contact" or (author == "member" or (answer or {}).get("decision") in _ANSWERS):
            authors.add("contact" if author == "contact" else "answerer")
    return "contact" in authors and (unanswered or "answerer" in authors)


def _of_flow(thread: Conversation, event: Happened) -> None:
    """A flow asks and is answered in the middle of a conversation: kept as the survey that its end would have been."""
    row = latest(thread.workspace_id, thread.id, lock=True)
    if row is None or row.state != "asked" or row.by != "flow":
        row = Survey(workspace_id=thread.workspace_id, conversation_id=thread.id, channel_id=thread.channel_id)
        row.state, row.by, row.asked_at, row.member_id = "asked", "flow", event.at, thread.assignee_id
        row.until = event.at + timedelta(hours=settings_of(thread.workspace_id).window_hours)
        row.save(force_insert=True)
    if event.kind == "rated":
        _put(row, state="rated", rated_at=event.at, score=int(event.detail["score"]))
    announce(thread.workspace_id, "survey.updated", row.id, thread.id)


def _rated(thread: Conversation, score: int, comment: str) -> None:
    """Keep a rating in words, with its message, in the transaction that stores it; and thank for it."""
    row = latest(thread.workspace_id, thread.id, lock=True)
    if row is None:
        return
    _rate(thread, row, score, by="words")
    if comment:
        _comment(thread, row, comment)
    chosen, language = settings_of(thread.workspace_id), language_of(thread)
    thanks = texts.text_of({}, texts.NOTED, language) if comment else ""
    _thank(thread, thanks or texts.text_of(chosen.thanks, texts.THANKS, language))


def _remarked(thread: Conversation, text: str) -> None:
    row = latest(thread.workspace_id, thread.id, lock=True)
    if row is not None:
        _comment(thread, row, text)
        _thank(thread, texts.text_of({}, texts.NOTED, language_of(thread)))


def _rate(thread: Conversation, row: Survey, score: int, *, by: str) -> None:
    at = now()
    _put(row, state="rated", rated_at=at, score=score, by=by)
    happened(thread, "rated", by="contact", at=at, score=score, survey=row.id)
    announce(thread.workspace_id, "survey.updated", row.id, thread.id)
    announce(thread.workspace_id, "conversation.updated", thread.id, thread.id)


def _comment(thread: Conversation, row: Survey, text: str) -> None:
    masked = mask(text.strip()[:_COMMENT], thread.language or None, known=placeholders(thread)).text
    _put(row, comment=masked)
    announce(thread.workspace_id, "survey.updated", row.id, thread.id)


def _thank(thread: Conversation, text: str) -> None:
    say(system(thread.workspace_id), thread, author="system", author_id="", text=text)


def _put(row: Survey, **columns: Any) -> None:
    for name, value in columns.items():
        setattr(row, name, value)
    row.save(update_fields=list(columns))


def _checked(actor: Actor, chosen: Surveys) -> Surveys:
    for name in ("is_on", "after_idle", "unanswered"):
        if not isinstance(getattr(chosen, name), bool):
            raise BadInput(f"{name} is true or false.", field=name)
    for name, least, most in (("delay_seconds", 0, _LONGEST_DELAY), ("window_hours", 1, _LONGEST_WINDOW)):
        value = getattr(chosen, name)
        if type(value) is not int or not least <= value <= most:
            raise BadInput(f"{name} lies between {least} and {most:,}, not {value!r}.", field=name)
    known = {each.id for each in channels(actor)}
    unknown = sorted(set(chosen.channels_off) - known)
    if unknown:
        raise BadInput(f"There is no channel {unknown[0]!r} here.", field="channels_off")
    return replace(
        chosen,
        channels_off=tuple(dict.fromkeys(chosen.channels_off)),
        questions=_texts(chosen.questions, "questions"),
        thanks=_texts(chosen.thanks, "thanks"),
    )


def _texts(given: Mapping[str, str], field: str) -> dict[str, str]:
    unknown = sorted(set(given) - set(texts.QUESTIONS))
    if unknown:
        raise BadInput(f"Texts are in {', '.join(texts.QUESTIONS)}, not {unknown[0]!r}.", field=field)
    kept = {language: text.strip() for language, text in given.items() if text.strip()}
    if any(len(text) > _TEXT for text in kept.values()):
        raise BadInput(f"A text has at most {_TEXT} characters.", field=field)
    return kept
