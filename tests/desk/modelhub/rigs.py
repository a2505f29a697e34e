"""What tests of models share: small labelled data, files to upload, runs brought to their end."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from kefu.desk.modelhub import due
from kefu.desk.modelhub.models import Run

from ..desks import BASE, Desk


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
