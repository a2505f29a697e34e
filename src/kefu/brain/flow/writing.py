"""A flow to YAML, always in the same form: the console edits the table, people and git the text."""

import json
from typing import Any

from kefu.contracts.flow import (
    SCHEMA,
    STEP_KINDS,
    AskStep,
    CallFlowStep,
    CallStep,
    Choice,
    ChooseStep,
    Flow,
    HandOverStep,
    IfStep,
    Interrupts,
    RateStep,
    Remember,
    RepeatStep,
    SayStep,
    SetStep,
    Slot,
    Step,
    When,
    Words,
)

# Tables and lists of up to so many characters stand on one line.
_SHORT = 100


def dump_flow(flow: Flow) -> str:
    """The flow as YAML; `load_flow` reads it back equal. Comments of an earlier text are not kept."""
    import yaml

    class _Dumper(yaml.SafeDumper):
        """Short tables and lists on one line, steps and long ones on several, texts of several lines as such."""

    def text(dumper: Any, value: str) -> Any:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    def table(dumper: Any, value: dict[str, Any]) -> Any:
        return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=_fits_a_line(value))

    def items(dumper: Any, value: list[Any]) -> Any:
        return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=_fits_a_line(value))

    _Dumper.add_representer(str, text)
    _Dumper.add_representer(dict, table)
    _Dumper.add_representer(list, items)
    # Never folded: a template that is broken over lines is hard to read and to search for.
    return yaml.dump(flow_table(flow), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))


def _fits_a_line(value: Any) -> bool:
    """Whether a table or list is short, and no step is in it."""
    short = len(json.dumps(value, ensure_ascii=False)) <= _SHORT
    return short and "\\n" not in json.dumps(value) and not _holds_steps(value)


def _holds_steps(value: Any) -> bool:
    if isinstance(value, dict):
        return any(key in STEP_KINDS for key in value) or any(map(_holds_steps, value.values()))
    return isinstance(value, list) and any(map(_holds_steps, value))


def flow_table(flow: Flow) -> dict[str, Any]:
    """The flow as plain data in the shape of its YAML, defaults left out."""
    counts: dict[str, int] = {}
    return {
        "schema": SCHEMA,
        "id": flow.id,
        **_given(name=dict(flow.name)),
        **({"version": flow.version} if flow.version != 1 else {}),
        "languages": list(flow.languages),
        **_given(description=flow.description, when=_when(flow.when)),
        **_given(slots={slot.name: _slot(slot) for slot in flow.slots}),
        "steps": _steps(flow.steps, counts),
        **_given(replies={name: dict(texts) for name, texts in flow.replies.items()}),
        **_given(interrupts=_interrupts(flow.interrupts)),
    }


def _given(**values: Any) -> dict[str, Any]:
    """The values that say something."""
    return {name.rstrip("_"): value for name, value in values.items() if value not in (None, "", {}, [], ())}


def _words(words: Words) -> Any:
    if set(words) == {"*"}:
        return list(words["*"])
    return {language: list(each) for language, each in words.items()}


def _when(when: When) -> dict[str, Any]:
    return {
        **_given(intents=list(when.intents), keywords=_words(when.keywords), patterns=list(when.patterns)),
        **({"called": True} if when.called else {}),
    }


def _interrupts(interrupts: Interrupts) -> dict[str, Any]:
    plain = Interrupts()
    table = {
        name: getattr(interrupts, name)
        for name in ("questions", "may_cancel", "corrections", "other_flows")
        if getattr(interrupts, name) != getattr(plain, name)
    }
    return {**table, **_given(cancel=_words(interrupts.cancel))}


def _slot(slot: Slot) -> dict[str, Any]:
    plain = Slot(slot.name)
    return {
        "type": slot.type.value,
        **_given(question=dict(slot.question), again=dict(slot.again), invalid=dict(slot.invalid)),
        **_given(examples=_words(slot.examples), hint=_words(slot.hint), pattern=slot.pattern),
        **_given(choices=[_choice(choice) for choice in slot.choices]),
        **({"min": slot.minimum} if slot.minimum is not None else {}),
        **({"max": slot.maximum} if slot.maximum is not None else {}),
        **_given(direction=slot.direction, currency=slot.currency),
        **({"ask_again": slot.ask_again} if slot.ask_again != plain.ask_again else {}),
        **({"if_missing": slot.if_missing} if slot.if_missing != plain.if_missing else {}),
        **_given(attribute=slot.attribute, remember=_remember(slot.remember)),
        **({"confirm": dict(slot.confirm_text) or True} if slot.confirm else {}),
        **({} if slot.volunteer else {"volunteer": False}),
    }


def _remember(remember: Remember) -> str | None:
    if remember.days:
        return f"{remember.days} days"
    return remember.scope if remember.scope != "flow" else None


def _choice(choice: Choice, steps: list[Any] | None = None) -> Any:
    table = _given(label=dict(choice.label), synonyms=_words(choice.synonyms), steps=steps)
    return {"value": choice.value, **table} if table else choice.value


def _steps(steps: tuple[Step, ...], counts: dict[str, int]) -> list[dict[str, Any]]:
    return [_step(step, counts) for step in steps]


def _step(step: Step, counts: dict[str, int]) -> dict[str, Any]:
    """A step, with its id unless that is the one it would be given anyway."""
    counts[step.kind] = counts.get(step.kind, 0) + 1
    made = f"{step.kind}_{counts[step.kind]}"
    return {**({"id": step.id} if step.id != made else {}), **_body(step, counts)}


def _body(step: Step, counts: dict[str, int]) -> dict[str, Any]:
    if isinstance(step, SayStep):
        body: dict[str, Any] = {"say": step.say or dict(step.texts), **_given(quick_replies=_words(step.quick_replies))}
    elif isinstance(step, AskStep):
        slots = step.slots[0] if len(step.slots) == 1 else list(step.slots)
        body = {"ask": slots, **_given(confirm=dict(step.confirm), unknown=_steps(step.unknown, counts))}
        body |= {"afresh": True} if step.afresh else {}
    elif isinstance(step, ChooseStep):
        body = _choose(step, counts)
    elif isinstance(step, CallStep | CallFlowStep):
        body = _call(step, counts)
    elif isinstance(step, IfStep | RepeatStep):
        body = _block(step, counts)
    else:
        body = _plain_body(step)
    return body


def _plain_body(step: Step) -> dict[str, Any]:
    """A step without others inside."""
    if isinstance(step, HandOverStep):
        more = _given(team=step.team, note=step.note, say=dict(step.texts))
        return {"hand_over": {"reason": step.reason, **more} if more else step.reason}
    if isinstance(step, RateStep):
        scale = {"scale": step.scale} if step.scale != RateStep("").scale else {}
        return {"rate": dict(step.texts), **scale, **_given(into=step.into)}
    if isinstance(step, SetStep):
        return {"set": dict(step.values)}
    return {step.kind: getattr(step, "to", None) or getattr(step, "outcome", "")}


def _block(step: IfStep | RepeatStep, counts: dict[str, int]) -> dict[str, Any]:
    if isinstance(step, IfStep):
        table: dict[str, Any] = {"if": step.condition, "then": _steps(step.then, counts)}
        return {**table, **_given(else_=_steps(step.otherwise, counts))}
    table = {"repeat": step.times, **_given(while_=step.condition), "steps": _steps(step.steps, counts)}
    return {**table, **_given(otherwise=_steps(step.otherwise, counts))}


def _choose(step: ChooseStep, counts: dict[str, int]) -> dict[str, Any]:
    options = [_choice(option.choice, _steps(option.steps, counts)) for option in step.options]
    return {
        "choose": dict(step.texts),
        **_given(from_=step.source, label=dict(step.label), compare=dict(step.compare), into=step.into),
        **({"ask_again": step.ask_again} if step.ask_again != ChooseStep("").ask_again else {}),
        **({"options": options} if options or not step.source else {}),
        **_given(otherwise=_steps(step.otherwise, counts)),
    }


def _call(step: CallStep | CallFlowStep, counts: dict[str, int]) -> dict[str, Any]:
    table: dict[str, Any] = {step.kind: step.tool if isinstance(step, CallStep) else step.flow}
    table |= _given(with_=dict(step.arguments), save=dict(step.save))
    if isinstance(step, CallStep):
        table |= {"repeatable": True} if step.repeatable else {}
        table |= _given(on_error=_steps(step.on_error, counts))
    return table
