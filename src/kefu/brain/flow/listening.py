"""A customer's message to a flow that waits: the answer, or something else said in the middle."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from kefu.brain.flow import cues
from kefu.brain.flow.corrections import change_named, correct, otherwise, take_back
from kefu.brain.flow.listed import Offered, offered, picked
from kefu.brain.flow.run import FlowFailed, Run, joined
from kefu.brain.flow.starting import which_starts
from kefu.brain.flow.steps import ask_on, ask_whether, ask_whether_all, leave, offer, pass_over
from kefu.brain.slots import phrases
from kefu.brain.slots.choices import chosen
from kefu.brain.slots.gather import Filled, Gathered, gather, names_one
from kefu.brain.slots.readings import subjects
from kefu.contracts.flow import AskStep, Choice, ChooseStep, RateStep, Slot, SlotType, Step
from kefu.contracts.flow_state import AnswerFromKnowledge as Answer
from kefu.contracts.flow_state import Awaited, Rated, Source, Start, Value, Waiting
from kefu.knowledge.words import fold

# These types take almost any words for a value, so that questions and "I don't know" are looked for first.
_LIBERAL = (SlotType.TEXT, SlotType.NAME, SlotType.ADDRESS)
# A longer message that holds "I don't remember" tells a story.
_LONGEST_SHRUG = 120
# How often "is that right?" is asked again before a person should help.
_CONFIRM_AGAIN = 2
# An intent that takes a customer out of a flow must be surer than one that starts it.
_SURE_TO_LEAVE = 0.8


def listen(run: Run, waiting: Waiting) -> None:
    """Take a message. Afterwards the run waits again, is over, or has a step to run."""
    run.waiting = None
    if waiting.kind == "switch":
        _switched(run, waiting)
        return
    step = run.top.current()
    if _is_over(run, waiting, step):
        return
    _LISTENERS[waiting.kind](run, waiting, step)


def _is_over(run: Run, waiting: Waiting, step: Step) -> bool:
    """Cancel, unless the words are an option that is offered."""
    slot = run.top.program.slots.get(waiting.slot or "")
    if not run.top.flow.interrupts.may_cancel or not _cancels(run, slot):
        return False
    choices = [option.choice for option in step.options] if isinstance(step, ChooseStep) else []
    choices += slot.choices if slot is not None else ()
    if any(choice.value == run.heard.pressed for choice in choices) or chosen(choices, run.text):
        return False
    run.say(run.own_words("_cancelled"))
    run.end("cancelled")
    return True


def _cancels(run: Run, slot: Slot | None) -> bool:
    """Whether a message stops the flow: "never mind", also with a reason, but not "never mind, make it Friday"."""
    also = run.top.flow.interrupts.cancel
    if cues.cancels(run.text, also):
        return True
    if slot is not None and slot.type is SlotType.TEXT:  # "forget it, he said, and left" is a story
        return False
    reason = cues.after_cancelling(run.text, also)
    if reason is None or cues.is_question(reason) or cues.corrects(reason) or phrases.yes_or_no(reason):
        return False
    found = gather(run.top.flow.slots, run.read(reason), candidates=run.heard.candidates)
    return not found.filled and not found.refused


def _slot(run: Run, waiting: Waiting, step: Step) -> None:
    """An answer for a slot, with whatever else it holds."""
    if not isinstance(step, AskStep):
        raise FlowFailed(f"The step {step.id!r} asks nothing.", step=step.id)
    slot = run.top.program.slots.get(waiting.slot or "")
    if slot is None:
        raise FlowFailed(f"The flow has no slot {waiting.slot!r}.", step=step.id)
    if any(choice.value == run.heard.pressed for choice in slot.choices):  # words may be ambiguous, a button is not
        run.fill(slot, Filled(run.heard.pressed, run.heard.text))
        _go_on(run, step)
        return
    told, asked = cues.parted(run.text, surely_asks=run.heard.is_question)
    if slot.type in _LIBERAL and not told and _interrupted(run, slot, asked):
        return
    if slot.type is SlotType.TEXT:  # a story may hold questions; they are part of it
        told, asked = run.text, ""
    if _shrugs(run, slot) and step.unknown:
        if slot.type not in _LIBERAL:  # "I have no number, my birthday is 1 May": that much is known
            _take(run, _gathered(run, told, None))
        run.skip(slot.name)
        run.top.go(step.unknown[0].id)
        return
    _answered(run, step, slot, told, asked)


def _answered(run: Run, step: AskStep, slot: Slot, told: str, asked: str) -> None:
    """What a message says (`told`) for the slot, for others, or against what was said before; and what it asks."""
    gathered = _gathered(run, told, slot)
    changes = otherwise(run, gathered.filled)
    if take_back(run, changes):
        _take(run, gathered)
        _go_on(run, step)
        return
    if not changes and correct(run, told, asked=slot):
        _go_on(run, step)
        return
    _take(run, gathered)
    if slot.name in gathered.filled:
        _answer(run, asked)
        _go_on(run, step)
    elif slot.name in gathered.refused:
        _again(run, slot, refused=True)
    elif gathered.filled:  # something else was said
        _answer(run, asked)
        _passed_by(run, slot)
    elif not _interrupted(run, slot, asked or told):
        _missed(run, slot)


def _missed(run: Run, slot: Slot) -> None:
    """Ask again; it counts unless the message was about something else that its author does not know."""
    if _shrugs_at_another(run, slot):
        run.ask_for(slot)
    else:
        _again(run, slot, refused=False)


def _shrugs_at_another(run: Run, slot: Slot) -> bool:
    """Whether a customer cannot tell something else than what is asked: "I don't remember my PIN either"."""
    if len(run.text) > _LONGEST_SHRUG or not phrases.does_not_know(run.text):
        return False
    folded = fold(run.text)
    others = [each for each in run.top.flow.slots if each is not slot]
    return not names_one(folded, subjects(slot)) and any(names_one(folded, subjects(each)) for each in others)


def _shrugs(run: Run, slot: Slot) -> bool:
    """Whether a message says no more than that its author does not know."""
    text = run.text
    if len(text) > _LONGEST_SHRUG or not phrases.does_not_know(text):
        return False
    return slot.name not in _gathered(run, text, slot).filled or slot.type in _LIBERAL


def _gathered(run: Run, text: str, slot: Slot | None) -> Gathered:
    """What a message says for the slot that is asked for and for those still empty."""
    frame = run.top
    if not text:
        return Gathered()
    empty = [each.name for each in frame.flow.slots if _is_empty(run, each)]
    return gather(
        frame.flow.slots,
        run.read(text),
        asked=slot,
        candidates=run.heard.candidates,
        present={name: value.value for name, value in frame.values.items()},
        volunteered=empty,
    )


def _is_empty(run: Run, slot: Slot) -> bool:
    held = run.top.values.get(slot.name)
    return held is None or (held.value is None and held.source != "skipped")


def _take(run: Run, gathered: Gathered) -> None:
    slots = run.top.program.slots
    for name, filled in gathered.filled.items():
        run.fill(slots[name], filled)
    run.refused.update(gathered.refused)


def take_all(run: Run) -> None:
    """Fill what the message that starts a flow already says."""
    text = run.text
    if text:
        _take(run, _gathered(run, text, None))


def _again(run: Run, slot: Slot, *, refused: bool) -> None:
    """Ask once more, or do what the slot says about asking in vain."""
    retries = run.top.retries
    retries[slot.name] = retries.get(slot.name, 0) + 1
    if retries[slot.name] <= slot.ask_again:
        run.ask_for(slot, failed=not refused, refused=refused)
        return
    del retries[slot.name]
    _give_up(run, slot)


def _passed_by(run: Run, slot: Slot) -> None:
    """Ask again after an answer to another question: once it is not held against them, but nobody is asked forever."""
    key = f"{slot.name}/passed"
    retries = run.top.retries
    retries[key] = retries.get(key, 0) + 1
    if retries[key] <= slot.ask_again + 1:
        run.ask_for(slot)
        return
    del retries[key]
    _give_up(run, slot)


def _give_up(run: Run, slot: Slot) -> None:
    """What the slot says about asking in vain."""
    if slot.if_missing == "hand_over":
        run.hand_over("not_understood", note=slot.name)
    elif slot.if_missing == "end":
        leave(run, "unsolved")
    else:
        run.skip(slot.name)
        if slot.if_missing == "skip":
            _go_on(run, run.top.current())
        else:
            run.top.go(slot.if_missing)


def _go_on(run: Run, step: Step) -> None:
    """Go on with the step that waited, unless the run is over or has gone elsewhere."""
    if not run.frames or run.waiting is not None or run.top.step != step.id:
        return
    if isinstance(step, AskStep):
        ask_on(run, step)
    elif isinstance(step, ChooseStep):
        offer(run, step)


def _interrupted(run: Run, slot: Slot | None, text: str) -> bool:
    """Something else than an answer: another flow's business, or a question. Then the flow's question comes again."""
    if _leads_away(run, slot):
        return True
    if not text or not (run.heard.is_question or cues.is_question(text)):
        return False
    questions = run.top.flow.interrupts.questions
    if questions == "hand_over":
        run.hand_over("question", note=text)
        return True
    if questions == "ignore":
        return False
    _answer(run, text)
    step = run.top.current()
    if slot is not None:
        run.ask_for(slot)
    elif isinstance(step, ChooseStep):
        offer(run, step)
    return True


def _answer(run: Run, question: str) -> None:
    """Have a question answered from knowledge, if flows let it."""
    if question and run.top.flow.interrupts.questions == "answer":
        run.effects.append(Answer(run.top.flow.id, run.top.step or "", question))


def _leads_away(run: Run, slot: Slot | None) -> bool:
    """A message that would start another flow, where this one lets it."""
    manner = run.frames[0].flow.interrupts.other_flows
    if manner == "ignore" or (slot is not None and slot.type is SlotType.TEXT):
        return False
    under_way = {frame.flow.id for frame in run.frames}
    others = [flow for flow in run.shelf.live() if flow.id not in under_way]
    starting = which_starts(others, run.heard)
    if starting is None or (starting.why == "intent" and starting.score < _SURE_TO_LEAVE):
        return False
    if manner == "switch":
        _start(run, starting.flow.id, run.text)
        return True
    names = {"current": run.words(run.frames[0].flow.name) or run.frames[0].flow.id}
    names["other"] = run.words(starting.flow.name) or starting.flow.id
    run.ask(run.own_words("_switch", **names), quick=(run.own_words("_yes"), run.own_words("_no")))
    kind: Awaited = "slot" if slot is not None else "choice"
    run.wait("switch", slot.name if slot is not None else None, flow=starting.flow.id, text=run.text, then=kind)
    return True


def _start(run: Run, flow: str, text: str) -> None:
    run.effects.append(Start(run.frames[0].flow.id, run.top.step or "", flow, text))
    run.end("switched")


def _switched(run: Run, waiting: Waiting) -> None:
    """After "shall I leave this one?": leave, stay, or take the message as an answer to what was asked before."""
    answer = phrases.only_yes_or_no(run.text)
    if answer and waiting.flow is not None:
        _start(run, waiting.flow, waiting.text)
        return
    before = replace(waiting, kind=waiting.then or "slot", flow=None, text="", then=None)
    if answer is None:
        listen(run, before)
        return
    _go_on(run, run.top.current())


def _confirm(run: Run, waiting: Waiting, step: Step) -> None:
    """After all values were shown: yes, no, or a value that is wrong."""
    if not isinstance(step, AskStep):
        raise FlowFailed(f"The step {step.id!r} confirms nothing.", step=step.id)
    told, asked = cues.parted(run.text, surely_asks=run.heard.is_question)
    only = phrases.only_yes_or_no(told)
    if only is None and correct(run, told, freely=True):
        _go_on(run, step)
        return
    answer = only if only is not None else _agrees(told)
    if answer:
        for name in step.slots:
            _settle(run, name)
        run.top.retries.pop(step.id, None)
        _answer(run, asked)
        run.top.done()
    elif answer is False:
        run.wait("change")
        hints = [next(iter(run.quick(slot.hint)), "") for slot in run.top.flow.slots if slot.name in step.slots]
        run.ask(run.own_words("_change"), quick=tuple(filter(None, hints)))
    elif (gathered := _gathered(run, told, None)).filled:  # something that is needed later
        _take(run, gathered)
        _answer(run, asked)
        _go_on(run, step)
    elif not _interrupted_at(run, asked or told, lambda: ask_whether_all(run, step)):
        _confirm_again(run, step.id, lambda: ask_whether_all(run, step))


def _agrees(text: str) -> bool | None:
    """Whether a longer message begins by agreeing; one that takes something back does not: "great, but it's wrong"."""
    answer = phrases.yes_or_no(text)
    return False if answer and cues.corrects(text) else answer


def _settle(run: Run, name: str) -> None:
    held = run.top.values.get(name)
    if held is not None and not held.confirmed:
        run.top.values[name] = replace(held, confirmed=True)


def _change(run: Run, waiting: Waiting, step: Step) -> None:
    """After "what should I change?"."""
    if isinstance(step, AskStep) and change_named(run, run.text, step):
        run.top.retries.pop(step.id, None)
        _go_on(run, step)
    elif isinstance(step, AskStep) and phrases.only_yes_or_no(run.text) is False:  # nothing, then
        ask_whether_all(run, step)
    else:

        def again() -> None:
            run.wait("change")
            run.ask(joined(run.own_words("_not_understood"), run.own_words("_change")))

        _confirm_again(run, step.id, again)


def _confirm_slot(run: Run, waiting: Waiting, step: Step) -> None:
    """After "is that right?" about one value."""
    slot = run.top.program.slots.get(waiting.slot or "")
    if slot is None or not isinstance(step, AskStep):
        raise FlowFailed(f"The flow has no slot {waiting.slot!r}.", step=step.id)
    told, asked = cues.parted(run.text, surely_asks=run.heard.is_question)
    only = phrases.only_yes_or_no(told)
    if only is None and correct(run, told, besides=slot):
        _go_on(run, step)
        return
    meant = cues.meant(told)
    gathered = _gathered(run, meant, slot) if only is None and slot.type not in _LIBERAL else Gathered()
    new = gathered.filled.get(slot.name)
    if new is not None and new.value != run.top.values[slot.name].value:
        _take(run, gathered)
        _go_on(run, step)
        return
    answer = only if only is not None else _agrees(told)
    if answer:
        _settle(run, slot.name)
        if slot.remember.scope != "flow" and run.top.values[slot.name].source == "customer":
            run.remember(slot)
        _answer(run, asked)
        _go_on(run, step)
    elif answer is False:
        run.empty(slot.name)
        run.ask_for(slot)
    elif not _interrupted_at(run, asked or told, lambda: ask_whether(run, slot)):
        _confirm_again(run, f"{step.id}/{slot.name}", lambda: ask_whether(run, slot))


def _interrupted_at(run: Run, text: str, ask: Callable[[], None]) -> bool:
    """A question in the place of yes or no: answered, and asked again."""
    if not text or not (run.heard.is_question or cues.is_question(text)):
        return False
    if run.top.flow.interrupts.questions == "hand_over":
        run.hand_over("question", note=text)
        return True
    if run.top.flow.interrupts.questions == "ignore":
        return False
    _answer(run, text)
    ask()
    return True


def _confirm_again(run: Run, key: str, ask: Callable[[], None]) -> None:
    retries = run.top.retries
    retries[key] = retries.get(key, 0) + 1
    if retries[key] > _CONFIRM_AGAIN:
        run.hand_over("not_understood")
    else:
        ask()


def _choice(run: Run, waiting: Waiting, step: Step) -> None:
    """Which way the customer wants to go."""
    if not isinstance(step, ChooseStep):
        raise FlowFailed(f"The step {step.id!r} offers no choice.", step=step.id)
    given = offered(run, step) if step.source else [Offered(each.choice, each.choice.value) for each in step.options]
    choice = next((each for each in given if each.choice.value == run.heard.pressed), None)
    told, asked = cues.parted(run.text, surely_asks=run.heard.is_question) if choice is None else ("", "")
    if choice is None and step.source:
        choice = picked(step, given, told or run.text)
    elif choice is None:
        found = chosen([each.choice for each in given], told or run.text, asked=bool(told))
        choice = next((each for each in given if found and each.choice.value == found[0].value), None)
        choice = choice or _agreed_with(given, told or run.text)
    if choice is not None:
        _choose(run, step, choice)
        _take(run, _gathered(run, told if not step.source else "", None))
        _answer(run, asked)
    elif correct(run, told):
        _go_on(run, step)
    elif not _interrupted(run, None, asked or told):
        retries = run.top.retries
        retries[step.id] = retries.get(step.id, 0) + 1
        if retries[step.id] <= step.ask_again:
            offer(run, step, failed=True)
        else:
            pass_over(run, step, "not_understood")


def _agreed_with(given: Sequence[Offered], text: str) -> Offered | None:
    """The one option that is a yes, or a no, after another word for it: 对 where 好的 is offered."""
    answer = phrases.only_yes_or_no(text)
    if answer is None:
        return None
    fitting = [each for each in given if any(phrases.only_yes_or_no(word) is answer for word in _words(each.choice))]
    return fitting[0] if len(fitting) == 1 else None


def _words(choice: Choice) -> list[str]:
    return [*choice.label.values(), *(word for words in choice.synonyms.values() for word in words)]


def _choose(run: Run, step: ChooseStep, choice: Offered) -> None:
    """Keep what was chosen, and go its way."""
    frame = run.top
    frame.retries.pop(step.id, None)
    if step.into:
        source: Source = "tool" if step.source else "customer"
        frame.values[step.into] = Value(choice.item, source, run.heard.turn_id, run.text, at=frame.gone_through)
    steps = next((each.steps for each in step.options if each.choice.value == choice.choice.value), ())
    frame.step = frame.program.entry(step, steps)


def _rate(run: Run, waiting: Waiting, step: Step) -> None:
    """A rating, or any other message: that is answered, and the flow goes on."""
    if not isinstance(step, RateStep):
        raise FlowFailed(f"The step {step.id!r} asks for no rating.", step=step.id)
    slot = Slot("rating", SlotType.NUMBER, minimum=1, maximum=step.scale)
    stars = run.text.count("⭐") or run.text.count("★")
    found = gather([slot], run.read(str(stars) if stars else run.text), asked=slot).filled.get("rating")
    if found is not None and isinstance(found.value, int):
        run.effects.append(Rated(run.top.flow.id, step.id, found.value, step.scale))
        if step.into:
            run.top.values[step.into] = Value(found.value, "customer", run.heard.turn_id, at=run.top.gone_through)
    elif run.text and phrases.only_yes_or_no(run.text) is None:
        run.effects.append(Answer(run.top.flow.id, step.id, run.text))
    run.top.done()


_LISTENERS: dict[Awaited, Callable[[Run, Waiting, Step], None]] = {
    "slot": _slot,
    "choice": _choice,
    "confirm": _confirm,
    "confirm_slot": _confirm_slot,
    "change": _change,
    "rate": _rate,
}
