"""Conversations lived through the real actions, so that their figures are stored as they are in a running Kefu."""

from kefu.contracts.turn import Decision
from kefu.desk.actor import Actor, Role
from kefu.desk.inbox import actions as inbox
from kefu.desk.inbox import due

from ..shops import Shop, claim, outcome


def answer(decision: Decision = Decision.APPROVED, reason: str = "faq_hit", intent: str = "") -> None:
    """Answer every turn that is due."""
    for turn in claim():
        steps = [{"name": "sense", "intent": intent}] if intent else []
        made = outcome("Text.", decision, reason=reason)
        due.finish_turns(worker="worker", outcomes=[(turn.id, made, {"reason": reason, "steps": steps})])


def one_of_each(shop: Shop) -> dict[str, str]:
    """Conversations of every kind; gives their ids by what became of them."""
    ann, bob = shop.member(Role.AGENT), shop.member(Role.SUPERVISOR)
    made = {"resolved": shop.start()}
    shop.say(made["resolved"], "When do you open?")
    answer(intent="hours")
    inbox.resolve(shop.program, conversation_id=made["resolved"])
    made["handed_over"] = _handed_over(shop, ann)
    made["given_back"] = _given_back(shop, ann)
    made["refused"] = shop.start()
    for _ in range(2):
        shop.say(made["refused"], "Do you sell moon dust?")
        answer(Decision.REFUSE, "nothing_found")
    made["reopened"] = _reopened(shop, bob)
    made["empty"] = shop.start()
    made["assigned"] = shop.start()
    shop.say(made["assigned"], "Hello?")
    inbox.ask_for_member(shop.program, conversation_id=made["assigned"])
    inbox.assign(bob, conversation_id=made["assigned"], member_id=ann.id)
    inbox.assign(bob, conversation_id=made["assigned"], member_id=None)
    inbox.note(ann, conversation_id=made["assigned"], text="Nobody came.")
    return made


def _handed_over(shop: Shop, ann: Actor) -> str:
    thread = shop.start()
    shop.say(thread, "My parcel is broken, 13800138000")
    answer(Decision.HAND_OVER, "anger")
    shop.say(thread, "Is anybody there?")
    inbox.reply(ann, conversation_id=thread, text="I am.")
    inbox.resolve(ann, conversation_id=thread)
    return thread


def _given_back(shop: Shop, ann: Actor) -> str:
    thread = shop.start()
    shop.say(thread, "A person, please")
    inbox.take(ann, conversation_id=thread)
    inbox.give_back(ann, conversation_id=thread)
    shop.say(thread, "And now?")
    answer(Decision.EXTRACTED)
    return thread


def _reopened(shop: Shop, bob: Actor) -> str:
    thread = shop.start()
    shop.say(thread, "One")
    shop.say(thread, "Two")
    answer()
    inbox.resolve(shop.program, conversation_id=thread)
    shop.say(thread, "Three")
    answer()
    inbox.resolve(shop.program, conversation_id=thread)
    inbox.reopen_for_member(bob, conversation_id=thread)
    inbox.reply(bob, conversation_id=thread, text="One thing more.")
    return thread
