"""Mask: the desk masks a message when it is received; this step counts the placeholders and lets no original pass."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from kefu.knowledge.masking import mask

_PLACEHOLDER = re.compile(r"<([A-Z][A-Z_]*)_(\d+)>")
# An address sign, or seven digits with the marks people write between them: the shortest telephone number. Text
# without either was masked or holds nothing that numbers tell, and the thorough rules need not run again.
_SIGN_OF_AN_ORIGINAL = re.compile(r"@|＠|\d(?:[ ()./-]{0,2}\d){6}")


@dataclass(frozen=True)
class Masked:
    """Text safe for engines and traces; `kinds` counts its placeholders; `late` tells that this step had to mask."""

    text: str
    kinds: Mapping[str, int] = field(default_factory=dict)
    late: bool = False


def verify(text: str, language: str) -> Masked:
    """Count a masked text's placeholders; mask what a caller left in plain sight."""
    late = False
    if _SIGN_OF_AN_ORIGINAL.search(_PLACEHOLDER.sub("", text)):
        again = mask(text, language, masked_before=True).text
        late, text = again != text, again
    return Masked(text, dict(Counter(kind for kind, _ in _PLACEHOLDER.findall(text))), late)
