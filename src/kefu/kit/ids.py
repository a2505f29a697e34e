"""Row ids that sort by time, do not tell how many rows there are, and say what they name."""

import secrets
import time

# Crockford's base 32: no I, L, O, U, so an id can be read over the phone.
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str) -> str:
    """`prefix_` and 22 digits: 48 bits of milliseconds, then 62 random bits."""
    number = (time.time_ns() // 1_000_000) << 62 | secrets.randbits(62)
    digits = []
    for _ in range(22):
        number, rest = divmod(number, 32)
        digits.append(_DIGITS[rest])
    return f"{prefix}_{''.join(reversed(digits))}"
