"""Zip archives: every member counts, none can harm."""

import io
import zipfile

import pytest

from kefu.knowledge.parsing import ParseLimits, ParseResult, parse


def archive(*members: tuple[str, bytes]) -> bytes:
    """An archive of `members`, the same bytes at any time: a test's name may hold them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, data in members:
            writer.writestr(zipfile.ZipInfo(name), data, compress_type=zipfile.ZIP_DEFLATED)
    return out.getvalue()


def names(result: ParseResult) -> list[str]:
    return [document.name for document in result.documents]


def test_each_member_is_a_document_and_a_bad_one_does_not_stop_the_others() -> None:
    data = archive(
        ("a.txt", b"One."), ("en/", b""), ("en/b.md", b"# Two"), ("bad.pdf", b"%PDF-1.4 cut"), ("c.png", b"\x89PNG"),
        ("__MACOSX/._a.txt", b"x"), (".DS_Store", b"x"), ("faq.csv", b"question,answer\nHow?,So.\nAlone\n"),
    )  # fmt: skip
    result = parse("help.zip", data)
    assert names(result) == ["help.zip/a.txt", "help.zip/en/b.md", "help.zip/faq.csv"]
    assert [failure.name for failure in result.failures] == ["help.zip/bad.pdf", "help.zip/c.png", "help.zip/faq.csv"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.txt", "a.zip/etc/passwd.txt"),
        ("/root/x.txt", "a.zip/root/x.txt"),
        ("..\\..\\x.txt", "a.zip/x.txt"),
        ("a/./b/../c.txt", "a.zip/a/b/c.txt"),
        ("x\u202etxt.exe.txt", "a.zip/xtxt.exe.txt"),
    ],
)
def test_names_that_climb_are_only_labels(name: str, shown: str) -> None:
    assert names(parse("a.zip", archive((name, b"Words.")))) == [shown]


def test_names_from_chinese_windows_are_readable() -> None:
    raw = "退款说明.txt".encode("gbk")
    data = archive(("X" * len(raw), b"Words.")).replace(b"X" * len(raw), raw)
    assert names(parse("a.zip", data)) == ["a.zip/退款说明.txt"]


def test_two_members_of_one_name_are_told_apart() -> None:
    data = archive(("a.txt", b"One."), ("b.txt", b"Two."), ("../a.txt", b"Three."))
    assert names(parse("z.zip", data)) == ["z.zip/a.txt", "z.zip/b.txt", "z.zip/a.txt (2)"]


def test_an_archive_in_an_archive_is_read_and_a_third_level_is_not() -> None:
    inner = archive(("c.txt", b"Inner."))
    middle = archive(("b.txt", b"Middle."), ("inner.zip", inner))
    result = parse("a.zip", archive(("middle.zip", middle)))
    assert names(result) == ["a.zip/middle.zip/b.txt"]
    assert [failure.name for failure in result.failures] == ["a.zip/middle.zip/inner.zip"]
    assert "nested 2 deep" in result.failures[0].reason


def test_a_bomb_is_not_unpacked() -> None:
    (failure,) = parse("a.zip", archive(("zeros.txt", b"0" * 50_000_000))).failures
    assert failure.name == "a.zip"
    assert "unpacks to 50,000,000 bytes" in failure.reason


def test_archives_in_an_archive_share_one_limit() -> None:
    limits = ParseLimits(unpacked_bytes=100_000)
    inner = [(f"{at}.zip", archive(("a.txt", b"word " * 6_000))) for at in range(5)]
    result = parse("a.zip", archive(*inner), limits)
    assert 0 < len(result.documents) < 5
    assert "more than is allowed" in result.failures[0].reason


@pytest.mark.parametrize(
    ("limits", "what"),
    [
        (ParseLimits(archive_members=2), "3 members; the most is 2"),
        (ParseLimits(unpacked_bytes=10), "unpacks to"),
        (ParseLimits(file_bytes=10), "the most is 10"),
    ],
)
def test_limits(limits: ParseLimits, what: str) -> None:
    data = archive(*((f"{at}.txt", b"Some words.") for at in range(3)))
    assert what in parse("a.zip", data, limits).failures[0].reason


def test_an_encrypted_member_says_what_to_do() -> None:
    data = bytearray(archive(("a.txt", b"Words.")))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    (failure,) = parse("a.zip", bytes(data)).failures
    assert failure.name == "a.zip/a.txt"
    assert "encrypted" in failure.reason


def test_a_member_whose_bytes_are_damaged_is_a_failure() -> None:
    data = bytearray(archive(("a.txt", b"Words and words."), ("b.txt", b"More.")))
    data[data.index(b"a.txt") + 6] ^= 0xFF
    result = parse("a.zip", bytes(data))
    assert names(result) == ["a.zip/b.txt"]
    assert "damaged" in result.failures[0].reason


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04cut", archive(("a.txt", b"Words."))[:-30]], ids=["only a head", "without its directory"]
)
def test_a_cut_archive_says_so(data: bytes) -> None:
    assert "damaged" in parse("a.zip", data).failures[0].reason


def test_an_empty_archive_says_so() -> None:
    assert parse("a.zip", archive()).failures[0].reason == "The archive holds no files."
