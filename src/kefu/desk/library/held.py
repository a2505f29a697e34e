"""What was read of a web page that the tests hold back, kept so that it and nothing newer can be published."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from kefu.desk.library.models import Source
from kefu.kit.ids import new_id
from kefu.kit.log import Log
from kefu.knowledge.parsing.document import ParsedDocument

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_READ = "read"  # the key of `Source.held` that names the file
_log = Log(__name__)


def keep_read(source: Source, documents: Sequence[ParsedDocument]) -> dict[str, str]:
    """Keep the documents of an address; what the report of its tests is to hold besides."""
    if source.kind != "url":  # a file lies in the storage as it was tested
        return {}
    content = ContentFile(_documents().dump_json(list(documents)))
    return {_READ: str(default_storage.save(f"{source.workspace_id}/{new_id('held')}", content))}


def kept_read(source: Source) -> list[ParsedDocument] | None:
    """The documents that the tests were run with, of a source that is published past them; None for another."""
    name = (source.held or {}).get(_READ)
    if not source.is_untested or not name:
        return None
    try:
        with default_storage.open(name) as file:
            return _documents().validate_json(file.read())
    except (OSError, ValueError) as error:
        _log.warning("held_read_unreadable", source=source.id, exception=error)
        return None


def forget_read(source: Source) -> None:
    """Throw away what was kept, if anything was."""
    name = (source.held or {}).get(_READ)
    if name:
        default_storage.delete(name)


@cache
def _documents() -> "TypeAdapter[list[ParsedDocument]]":
    from pydantic import TypeAdapter

    return TypeAdapter(list[ParsedDocument])
