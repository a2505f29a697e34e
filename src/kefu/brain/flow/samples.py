"""A value for each slot, for simulators and dry runs of tools."""

from datetime import UTC, date, datetime, timedelta

from kefu.brain.slots.readings import Heard, bound, fitting, readings
from kefu.contracts.flow import Flow, Json, Slot, SlotType

_OF_TYPE: dict[SlotType, Json] = {
    SlotType.TEXT: "text",
    SlotType.NAME: "<NAME_1>",
    SlotType.ADDRESS: "<ADDRESS_1>",
    SlotType.NUMBER: 1,
    SlotType.MONEY: {"amount": 1, "currency": None},
    SlotType.TIME: "12:00",
    SlotType.PHONE: "<PHONE_1>",
    SlotType.EMAIL: "<EMAIL_1>",
    SlotType.PATTERN: "",
    SlotType.YES_NO: True,
}


def sample_values(flow: Flow, today: date | None = None) -> dict[str, Json]:
    """A value for each slot: its first example that is allowed, else one of its type within its bounds."""
    on = today or datetime.now(UTC).date()
    return {slot.name: _sample(slot, flow, on) for slot in flow.slots}


def _sample(slot: Slot, flow: Flow, today: date) -> Json:
    now = datetime(today.year, today.month, today.day, 9, tzinfo=UTC)
    for language, examples in slot.examples.items():
        spoken = flow.languages[0] if language == "*" and flow.languages else language
        for example in examples:
            for found in readings(slot, Heard(example, spoken, now), asked=True):
                value, why = fitting(slot, found, today)
                if why is None:
                    return value
    if slot.type is SlotType.CHOICE:
        return slot.choices[0].value if slot.choices else None
    low = bound(slot.minimum, slot.type, today)
    if slot.type is SlotType.DATE:
        return low or (today + timedelta(-1 if slot.direction == "past" else 1)).isoformat()
    if slot.type is SlotType.MONEY:
        return {"amount": low if low is not None else 1, "currency": slot.currency}
    return low if low is not None else _OF_TYPE[slot.type]
