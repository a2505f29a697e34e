"""Zip archives: every member is parsed on its own, and a bad one does not stop the others."""

import io
import zipfile

from kefu.knowledge.parsing import parse_file
from kefu.knowledge.parsing.document import (
    File,
    ParsedDocument,
    ParseFailure,
    ParseLimits,
    ParseResult,
    Unreadable,
)
from kefu.knowledge.parsing.zip_safety import open_zip

# What operating systems leave in archives beside what people put there.
_LEFTOVERS = frozenset({"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"})
_UTF8_NAMES = 0x800
_ENCRYPTED = 0x1


def parse_zip(file: File, limits: ParseLimits) -> ParseResult:
    """Documents are named "archive.zip/folder/page.txt". Nothing is written to disk."""
    unpacker = _Unpacker(limits)
    unpacker.add(file, limits.archive_depth)
    if not unpacker.documents and not unpacker.failures:
        raise Unreadable("The archive holds no files.")
    return ParseResult(tuple(unpacker.documents), tuple(unpacker.failures))


class _Unpacker:
    """The limits hold for all archives inside each other together."""

    def __init__(self, limits: ParseLimits) -> None:
        self.documents: list[ParsedDocument] = []
        self.failures: list[ParseFailure] = []
        self._limits = limits
        self._bytes_left = limits.unpacked_bytes
        self._members_left = limits.archive_members
        self._names: set[str] = set()

    def add(self, file: File, depth: int) -> None:
        if depth == 0:
            raise Unreadable(f"Archives may be nested {self._limits.archive_depth} deep; this one is deeper.")
        with open_zip(file.data, self._limits) as archive:
            members = [member for member in archive.infolist() if not _is_leftover(member)]
            self._spend(members)
            for member in members:
                self._member(file.name, archive, member, depth)

    def _spend(self, members: list[zipfile.ZipInfo]) -> None:
        self._bytes_left -= sum(member.file_size for member in members)
        self._members_left -= len(members)
        if self._bytes_left < 0 or self._members_left < 0:
            raise Unreadable(
                "The archives inside each other unpack to more than is allowed; this one was not unpacked."
            )

    def _member(self, archive_name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, depth: int) -> None:
        name = self._unused(f"{archive_name}/{_safe_name(member)}")
        try:
            data = self._read(archive, member)
            if _is_archive(data):
                self.add(File(name, data), depth - 1)
                return
            if data.startswith(b"PK"):  # an office file unpacks too
                with open_zip(data, self._limits) as office:
                    self._spend(office.infolist())
        except Unreadable as error:
            self.failures.append(ParseFailure(name, error.sentence))
            return
        result = parse_file(File(name, data), self._limits)
        self.documents += result.documents
        self.failures += result.failures

    def _unused(self, name: str) -> str:
        """An archive may hold two members of one name; documents are told apart by theirs."""
        number, unused = 1, name
        while unused in self._names:
            number += 1
            unused = f"{name} ({number})"
        self._names.add(unused)
        return unused

    def _read(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
        if member.flag_bits & _ENCRYPTED:
            raise Unreadable("The archive's member is encrypted; remove the archive's password and add it again.")
        if member.file_size > self._limits.file_bytes:
            raise Unreadable(f"The file has {member.file_size:,} bytes; the most is {self._limits.file_bytes:,}.")
        try:
            return archive.read(member)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError, RuntimeError) as error:
            raise Unreadable("The archive's member is damaged and cannot be unpacked.") from error


def _is_archive(data: bytes) -> bool:
    """Whether this is a plain zip: office files are zips as well."""
    if not data.startswith(b"PK"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        return False
    return "[Content_Types].xml" not in names and "mimetype" not in names


def _is_leftover(member: zipfile.ZipInfo) -> bool:
    parts = member.filename.replace("\\", "/").split("/")
    return member.is_dir() or not _LEFTOVERS.isdisjoint(parts) or parts[-1].startswith("._")


def _safe_name(member: zipfile.ZipInfo) -> str:
    """The member's name without steps upwards, in the writer's encoding: Chinese Windows writes GBK."""
    name = member.filename
    if not member.flag_bits & _UTF8_NAMES:
        raw = name.encode("cp437", errors="replace")
        for encoding in ("utf-8", "gb18030"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return "/".join("".join(character for character in part if character.isprintable()) for part in parts) or "unnamed"
