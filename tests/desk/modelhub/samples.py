"""Small labelled data: three intents in two languages, and a test in other words."""

import json
from pathlib import Path

TEXTS = {
    "delivery": [
        "When does my parcel arrive",
        "Where is my order now",
        "How long does shipping take",
        "包裹什么时候到",
    ],
    "refund": ["I want my money back", "How do I get a refund", "Please return my payment", "怎么申请退款"],
    "hours": ["When are you open", "What are your opening hours", "Are you open on Sunday", "几点开门"],
}
TEST_TAILS = (" my friend", " at once", " I ask", " then", " dear shop", " you know", " though", " perhaps")
TAILS = ("", " please", " today", "?", " thanks", " for me", " right now", " again")


def rows(tails: tuple[str, ...] = TAILS) -> list[tuple[str, str]]:
    return [(f"{text}{tail}", label) for label, texts in TEXTS.items() for text in texts for tail in tails]


def sheet(pairs: list[tuple[str, str]] | None = None) -> bytes:
    return "\n".join(["text,label", *(f"{text},{label}" for text, label in pairs or rows())]).encode()


def write_rows(path: Path, pairs: list[tuple[str, str]]) -> Path:
    path.write_text("\n".join(json.dumps({"text": text, "label": label}) for text, label in pairs), encoding="utf-8")
    return path
