"""What tests of models share: small labelled data, files to upload, runs brought to their end."""

import json
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from kefu.desk.modelhub import due
from kefu.desk.modelhub.models import Run

from ..desks import BASE, Desk

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
TAILS = ("", " please", " today", "?", " thanks", " for me", " right now", " again")


def rows(tails: tuple[str, ...] = TAILS) -> list[tuple[str, str]]:
    return [(f"{text}{tail}", label) for label, texts in TEXTS.items() for text in texts for tail in tails]


def sheet(pairs: list[tuple[str, str]] | None = None) -> bytes:
    return "\n".join(["text,label", *(f"{text},{label}" for text, label in pairs or rows())]).encode()


def upload(desk: Desk, data: bytes, *, name: str = "intents.csv", expect: int = 201, **named: str) -> Any:
    return uploaded(desk, "/datasets", data, name=name, expect=expect, **named)


def uploaded(desk: Desk, path: str, data: bytes, *, name: str = "intents.csv", expect: int = 201, **named: str) -> Any:
    answer = desk.client.post(f"{BASE}{path}", {"file": SimpleUploadedFile(name, data), **named})
    assert answer.status_code == expect, answer.content.decode()
    return answer.json()


def finished(run: Any) -> Run:
    """The run that the API described, at its end."""
    [workspace_id] = Run.objects.across_workspaces("a test").filter(id=run["id"]).values_list("workspace_id", flat=True)
    return due.finish(workspace_id, run["id"], seconds=300)


def write_rows(path: Path, pairs: list[tuple[str, str]]) -> Path:
    path.write_text("\n".join(json.dumps({"text": text, "label": label}) for text, label in pairs), encoding="utf-8")
    return path
