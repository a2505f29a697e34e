"""What a zip file may unpack to, checked before anything is unpacked."""

import io
import zipfile

from kefu.knowledge.parsing.document import ParseLimits, Unreadable

# Below this size a high ratio is harmless and common: a form of blanks, a table of zeros.
_SMALL = 10 * 2**20


def open_zip(data: bytes, limits: ParseLimits) -> zipfile.ZipFile:
    """Open a zip file whose members are few and small enough in sum. Raises Unreadable.

    Declared sizes can be trusted as bounds: `zipfile` reads no member beyond its own.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError) as error:
        raise Unreadable("The file is damaged: its zip directory cannot be read.") from error
    if len(members) > limits.archive_members:
        raise Unreadable(f"The archive has {len(members):,} members; the most is {limits.archive_members:,}.")
    size = sum(member.file_size for member in members)
    if size > limits.unpacked_bytes or (size > _SMALL and size > limits.archive_ratio * len(data)):
        raise Unreadable(
            f"The file unpacks to {size:,} bytes from {len(data):,}, which is too much; it was not unpacked."
        )
    return archive


def refuse_doctype(archive: zipfile.ZipFile) -> None:
    """Office files have no document type declarations; those that do try to make a parser fetch files or explode."""
    for member in archive.infolist():
        if member.filename.endswith((".xml", ".rels", ".vml")):
            try:
                content = archive.read(member).replace(b"\x00", b"")
            except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError, RuntimeError) as error:
                raise Unreadable("The file is damaged: a part of it cannot be unpacked.") from error
            if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
                raise Unreadable("The file declares XML entities, which office files never do; it was not read.")
