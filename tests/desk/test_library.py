"""Knowledge in: what is added again, vanishes, breaks, is cancelled, or dies half-way."""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection

from kefu.contracts.index import IndexedPassage, PassageVectors
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.library import actions, due, queries
from kefu.desk.library.models import Source
from kefu.desk.rows import now
from kefu.kit import settings
from kefu.kit.errors import BadInput, Conflict, NotAllowed, NotFound, TooLarge
from kefu.kit.runtime import run
from kefu.knowledge.embedding import embed_passages

from ..knowledge.toy_encoder import ToyEncoder
from .shops import Shop, made_shop

MALFORMED = Path(__file__).parents[1] / "knowledge/fixtures/malformed"
ENCODERS = {"*": ToyEncoder()}
DELIVERY = "# Delivery\n\nStandard delivery costs ¥12."
RETURNS = "# Returns\n\nYou can return an item within 30 days."


@pytest.fixture
def shop(db: None) -> Shop:
    return made_shop()


class Embed:
    """Embeds with the toy encoder; `texts` are what it was asked for. `then` is called before each batch."""

    def __init__(self, then: Callable[[int], None] = lambda batch: None) -> None:
        self.texts: list[str] = []
        self.batches = 0
        self._then = then

    def __call__(self, passages: list[IndexedPassage]) -> list[PassageVectors]:
        self.batches += 1
        self._then(self.batches)
        self.texts += [passage.text for passage in passages]
        return run(embed_passages(passages, ENCODERS))


def add(shop: Shop, files: dict[str, str | bytes], embed: Embed | None = None) -> due.Report:
    ids = [
        actions.add_file(shop.kefu, name=name, data=data.encode() if isinstance(data, str) else data).id
        for name, data in files.items()
    ]
    return read(shop, ids, embed)


def read(shop: Shop, ids: list[str], embed: Embed | None = None) -> due.Report:
    return due.read_sources(shop.workspace_id, ids, embed=embed or Embed())


def zipped(files: dict[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return data.getvalue()


def source_named(shop: Shop, name: str) -> queries.SourceInfo:
    [found] = queries.sources_named(shop.kefu, name)
    return found


def texts(shop: Shop) -> dict[str, str]:
    pages = [page for source in queries.sources(shop.kefu) for page in queries.documents(shop.kefu, source.id)]
    return {page.name: page.text for page in pages}


def passages(shop: Shop, name: str) -> list[queries.PassageInfo]:
    return queries.passages(shop.kefu, queries.document_named(shop.kefu, name).id)


def long_pages(number: int) -> dict[str, str]:
    """A zip's pages of some forty passages each, so that two of them are more than a batch."""
    return {
        f"page{page}.md": "\n\n".join(f"# Part {part}\n\nPage {page} says {part} of it. " * 3 for part in range(40))
        for page in range(number)
    }


def test_adding_again_reads_only_what_changed(shop: Shop) -> None:
    pages = {"delivery.md": DELIVERY, "returns.md": RETURNS}
    first = add(shop, {"help.zip": zipped(pages)})
    assert (sorted(first.added), first.unchanged) == (["help.zip/delivery.md", "help.zip/returns.md"], [])
    before = {name: [piece.id for piece in passages(shop, name)] for name in texts(shop)}

    embed = Embed()
    again = add(shop, {"help.zip": zipped({**pages, "returns.md": RETURNS.replace("30", "60")})}, embed)
    assert (again.added, again.unchanged) == (["help.zip/returns.md"], ["help.zip/delivery.md"])
    assert all("60 days" in text or "Returns" in text for text in embed.texts)
    assert [piece.id for piece in passages(shop, "help.zip/delivery.md")] == before["help.zip/delivery.md"]
    assert "60 days" in texts(shop)["help.zip/returns.md"]

    embed = Embed()
    same = read(shop, [actions.read_again(shop.kefu, source_id=source_named(shop, "help.zip").id).id], embed)
    assert (same.added, len(same.unchanged), embed.texts) == ([], 2, [])


def test_documents_that_a_source_no_longer_has_vanish_with_their_passages(shop: Shop) -> None:
    add(shop, {"help.zip": zipped({"delivery.md": DELIVERY, "returns.md": RETURNS}), "other.md": "# Other\n\nText."})
    add(shop, {"help.zip": zipped({"delivery.md": DELIVERY})})
    assert set(texts(shop)) == {"help.zip/delivery.md", "other.md"}
    left = [piece.id for name in texts(shop) for piece in passages(shop, name)]
    assert queries.passage_ids(shop.workspace_id) == set(left)


def test_a_page_that_cannot_be_read_this_time_stays_as_it_was(shop: Shop) -> None:
    add(shop, {"help.md": DELIVERY})
    report = add(shop, {"help.md": b"\xff\xfe\x00\xd8broken"})
    assert [failure["name"] for failure in report.failed] == ["help.md"]
    assert texts(shop) == {"help.md": DELIVERY.removeprefix("# ")}
    assert source_named(shop, "help.md").state == "ready"


def test_removing_a_source_removes_its_passages_and_its_file_at_once(
    shop: Shop, django_capture_on_commit_callbacks: Any
) -> None:
    add(shop, {"help.md": DELIVERY, "other.md": RETURNS})
    row = Source.objects.of(shop.workspace_id).get(name="help.md")
    with django_capture_on_commit_callbacks(execute=True):
        actions.remove(shop.kefu, source_id=row.id)
    assert set(texts(shop)) == {"other.md"}
    assert len(queries.passage_ids(shop.workspace_id)) == len(passages(shop, "other.md"))
    assert not default_storage.exists(row.file)
    with pytest.raises(NotFound):
        actions.remove(shop.kefu, source_id=row.id)


def test_a_file_that_is_replaced_leaves_only_the_new_one_in_the_storage(
    shop: Shop, django_capture_on_commit_callbacks: Any
) -> None:
    add(shop, {"help.md": DELIVERY})
    old = Source.objects.of(shop.workspace_id).get(name="help.md").file
    with django_capture_on_commit_callbacks(execute=True):
        add(shop, {"help.md": RETURNS})
    new = Source.objects.of(shop.workspace_id).get(name="help.md").file
    assert not default_storage.exists(old)
    assert default_storage.exists(new)


def test_broken_files_are_named_with_their_reason_and_the_others_load(shop: Shop) -> None:
    files = {path.name: path.read_bytes() for path in sorted(MALFORMED.iterdir()) if path.suffix != ".csv"}
    files.pop("LICENSE", None)
    report = add(shop, {"first.md": DELIVERY, **files, "last.md": RETURNS})
    assert {"first.md", "last.md", "control_valid.pdf", "control_valid.docx"} <= set(report.added)
    failed = {failure["name"]: failure["reason"] for failure in report.failed}
    assert {"zero_bytes.pdf", "truncated.pdf", "xxe.docx", "html_named.pdf", "broken_xml.docx"} <= set(failed)
    assert all(reason.endswith(".") and "Traceback" not in reason for reason in failed.values())
    assert not set(failed) & set(report.added)
    states = {source.name: source.state for source in queries.sources(shop.kefu)}
    assert states["first.md"] == states["last.md"] == "ready"
    assert {states[name] for name in failed} == {"failed"}
    assert source_named(shop, "zero_bytes.pdf").failures == (
        {"name": "zero_bytes.pdf", "reason": failed["zero_bytes.pdf"]},
    )


def test_a_broken_file_in_a_zip_does_not_stop_the_zip(shop: Shop) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("帮助/配送.md", "# 配送\n\n普通配送 12 元。")
        archive.writestr("broken.pdf", (MALFORMED / "truncated.pdf").read_bytes())
    report = add(shop, {"资料.zip": data.getvalue()})
    assert report.added == ["资料.zip/帮助/配送.md"]
    assert [failure["name"] for failure in report.failed] == ["资料.zip/broken.pdf"]
    assert source_named(shop, "资料.zip").state == "ready"


def test_cancelling_keeps_what_is_in_and_reading_again_goes_on(shop: Shop) -> None:
    name = "pages.zip"
    source = actions.add_file(shop.kefu, name=name, data=zipped(long_pages(6)))

    def cancel_at_the_second(batch: int) -> None:
        if batch == 2:
            actions.cancel(shop.kefu, source_id=source.id)

    embed = Embed(cancel_at_the_second)
    report = read(shop, [source.id], embed)
    stopped = source_named(shop, name)
    assert (stopped.state, stopped.documents) == ("cancelled", len(report.added))
    assert 0 < stopped.documents < 6
    assert embed.batches == 2, "the rest was embedded although nobody wants it"
    assert due.due_sources() == []

    actions.read_again(shop.kefu, source_id=source.id)
    rest = read(shop, [source.id])
    assert sorted(rest.unchanged) == sorted(report.added)
    assert len(rest.added) == 6 - len(report.added)
    assert (source_named(shop, name).state, source_named(shop, name).documents) == ("ready", 6)
    with pytest.raises(Conflict, match="it is ready"):
        actions.cancel(shop.kefu, source_id=source.id)


def test_what_was_cancelled_before_it_began_is_not_read(shop: Shop) -> None:
    source = actions.add_file(shop.kefu, name="help.md", data=DELIVERY.encode())
    actions.cancel(shop.kefu, source_id=source.id)
    assert read(shop, [source.id]).added == []
    assert texts(shop) == {}


class Killed(BaseException):
    """As a process ends: nothing catches it."""


def test_a_reader_that_dies_is_followed_by_another_that_goes_on(shop: Shop) -> None:
    source = actions.add_file(shop.kefu, name="pages.zip", data=zipped(long_pages(6)))

    def die_at_the_third(batch: int) -> None:
        if batch == 3:
            raise Killed

    with pytest.raises(Killed):
        read(shop, [source.id], Embed(die_at_the_third))
    stored = set(texts(shop))
    assert 0 < len(stored) < 6
    assert source_named(shop, "pages.zip").state == "reading"
    assert read(shop, [source.id]).added == [], "another took it while the dead one's lease lasted"
    assert due.due_sources() == []

    Source.objects.of(shop.workspace_id).update(due_at=now() - timedelta(seconds=1))  # its lease has ended
    assert due.due_sources() == [(shop.workspace_id, source.id)]
    rest = read(shop, [source.id])
    assert set(rest.unchanged) == stored
    assert len(texts(shop)) == 6
    assert source_named(shop, "pages.zip").state == "ready"


def test_a_slow_reader_of_old_bytes_does_not_undo_the_new(shop: Shop) -> None:
    old = {name: text + "\n\nThe old text." for name, text in long_pages(4).items()}
    new = {name: text + "\n\nThe new text." for name, text in long_pages(4).items()}
    source = actions.add_file(shop.kefu, name="pages.zip", data=zipped(old))

    def meanwhile(batch: int) -> None:
        if batch == 2:
            add(shop, {"pages.zip": zipped(new)})
            actions.read_again(shop.kefu, source_id=source.id)
            Source.objects.of(shop.workspace_id).update(state="reading")  # a third reads it already

    read(shop, [source.id], Embed(meanwhile))
    assert len(texts(shop)) == 4
    assert all("The new text." in text for text in texts(shop).values())
    assert source_named(shop, "pages.zip").state == "reading"


def test_a_source_that_is_removed_while_it_is_read_stays_removed(shop: Shop) -> None:
    source = actions.add_file(shop.kefu, name="pages.zip", data=zipped(long_pages(4)))

    def remove_at_the_second(batch: int) -> None:
        if batch == 2:
            actions.remove(shop.kefu, source_id=source.id)

    other = actions.add_file(shop.kefu, name="other.md", data=DELIVERY.encode())
    read(shop, [source.id, other.id], Embed(remove_at_the_second))
    assert set(texts(shop)) == {"other.md"}
    assert [each.name for each in queries.sources(shop.kefu)] == ["other.md"]


@pytest.mark.django_db(transaction=True)
def test_a_page_that_is_removed_while_it_is_fetched_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = made_shop()
    monkeypatch.setenv("KEFU_ALLOW_PRIVATE_ADDRESSES", "true")
    settings.reload()
    try:
        with site(lambda: actions.remove(shop.kefu, source_id=page.id)) as url:
            page = actions.add_url(shop.kefu, url=f"{url}/help")
            other = actions.add_file(shop.kefu, name="other.md", data=DELIVERY.encode())
            report = read(shop, [page.id, other.id])
    finally:
        monkeypatch.undo()
        settings.reload()
    assert report.added == ["other.md"]
    assert set(texts(shop)) == {"other.md"}


@contextmanager
def site(asked: Callable[[], None]) -> Iterator[str]:
    """A web site of one page; `asked` is called when the page is fetched."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/robots.txt":
                try:
                    asked()
                finally:
                    connection.close()
            body = b"<html><title>Help</title><body><h1>Help</h1><p>Delivery costs 12.</p></body></html>"
            self.send_response(404 if self.path == "/robots.txt" else 200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_private_address_is_not_fetched_unless_a_setting_allows_it(shop: Shop) -> None:
    source = actions.add_url(shop.kefu, url="http://127.0.0.1:9/help")
    report = read(shop, [source.id])
    assert report.added == []
    assert len(report.failed) == 1
    assert source_named(shop, "http://127.0.0.1:9/help").state == "failed"


def test_a_faq_sheet_gives_entries_with_all_their_questions(shop: Shop) -> None:
    rows = ["question,answer,more questions", "How long do refunds take?,5 days.,When is my money back?;refund time"]
    add(shop, {"faq.csv": "\n".join([*rows, "怎么退货？,在订单页申请。,"])})
    first, second = passages(shop, "faq.csv")
    assert first.questions == ("How long do refunds take?", "When is my money back?", "refund time")
    assert (first.answer, second.questions, second.answer) == ("5 days.", ("怎么退货？",), "在订单页申请。")


def test_cells_that_look_like_formulas_are_kept_as_text(shop: Shop) -> None:
    report = add(shop, {"faq.csv": (MALFORMED / "formula_injection.csv").read_bytes()})
    assert report.added == ["faq.csv"]
    answers = [piece.answer for piece in passages(shop, "faq.csv")]
    assert "-1+1" in answers or any("calc" in (answer or "") for answer in answers)


def test_an_article_and_a_question_typed_in_are_sources_of_their_own(shop: Shop) -> None:
    ids = [
        actions.add_article(shop.kefu, title="Delivery", text="It costs ¥12.").id,
        actions.add_faq(shop.kefu, question="When?", answer="Today.", more_questions=("How soon?",)).id,
    ]
    read(shop, ids)
    assert texts(shop)["Delivery.md"] == "Delivery\n\nIt costs ¥12."
    [entry] = passages(shop, "FAQ: When?.csv")
    assert (entry.questions, entry.answer) == (("When?", "How soon?"), "Today.")


def test_every_passage_is_exactly_its_documents_text(shop: Shop) -> None:
    add(
        shop,
        {
            **long_pages(1),
            "zh.md": "# 配送\n\n" + "普通配送需要两到四个工作日。" * 200,
            "faq.csv": "question,answer\nq,a\n",
        },
    )
    for name, text in texts(shop).items():
        for piece in passages(shop, name):
            assert piece.text == text[piece.start : piece.end]
            assert 0 < len(piece.text) <= 800


def test_progress_counts_documents(shop: Shop) -> None:
    steps: list[tuple[str, int, int]] = []
    ids = [actions.add_file(shop.kefu, name=name, data=text.encode()).id for name, text in long_pages(3).items()]
    due.read_sources(shop.workspace_id, ids, embed=Embed(), progress=lambda *step: steps.append(step))
    assert [done for _, done, _ in steps] == [1, 2, 3]
    assert steps[-1][1] == steps[-1][2]


@pytest.mark.parametrize("name", ["", "  ", "a\x00b", "x" * 501])
def test_a_name_that_cannot_be_kept_is_refused(shop: Shop, name: str) -> None:
    with pytest.raises(BadInput):
        actions.add_file(shop.kefu, name=name, data=b"text")


@pytest.mark.parametrize("url", ["ftp://example.com/", "file:///etc/passwd", "example.com", "javascript:alert(1)"])
def test_only_web_addresses_are_added(shop: Shop, url: str) -> None:
    with pytest.raises(BadInput):
        actions.add_url(shop.kefu, url=url)


def test_empty_articles_and_questions_are_refused(shop: Shop) -> None:
    with pytest.raises(BadInput):
        actions.add_article(shop.kefu, title=" ", text="text")
    with pytest.raises(BadInput):
        actions.add_faq(shop.kefu, question="q", answer="\n")


def test_a_file_past_the_limit_is_refused_before_it_is_stored(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEFU_UPLOAD_MEGABYTES", "1")
    settings.reload()
    try:
        with pytest.raises(TooLarge, match=r"big\.md"):
            actions.add_file(shop.kefu, name="big.md", data=b"x" * (2**20 + 1))
    finally:
        monkeypatch.undo()
        settings.reload()
    assert queries.sources(shop.kefu) == []


def test_who_may_only_read_knowledge_changes_nothing(shop: Shop) -> None:
    source = actions.add_file(shop.kefu, name="help.md", data=DELIVERY.encode())
    reader = Actor(shop.workspace_id, "key", "key_reader", scopes=frozenset({Scope.KNOWLEDGE_READ}))
    for actor in (reader, shop.member(Role.AGENT)):
        assert queries.source(actor, source.id).name == "help.md"
        with pytest.raises(NotAllowed):
            actions.add_file(actor, name="mine.md", data=b"text")
        with pytest.raises(NotAllowed):
            actions.remove(actor, source_id=source.id)
