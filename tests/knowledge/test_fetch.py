"""Pages and sitemaps by address, from a real server on this machine."""

import gzip
from typing import Any

import pytest

from kefu.knowledge.fetch import FetchLimits, FetchResult, fetch_pages

XML = "application/xml"
NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def sitemap(*addresses: str, kind: str = "url") -> str:
    root = {"url": "urlset", "sitemap": "sitemapindex"}[kind]
    image = "<image:image xmlns:image='http://www.google.com/schemas/sitemap-image/1.1'><image:loc>/x.png</image:loc></image:image>"
    entries = "".join(f"<{kind}><loc>\n {address} </loc>{image}</{kind}>" for address in addresses)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- made by hand -->\n<{root} {NAMESPACE}>{entries}</{root}>'


async def fetch(url: str, limits: FetchLimits = FetchLimits(), **options: Any) -> FetchResult:  # noqa: B008
    return await fetch_pages(url, limits=limits, **{"allow_private": True, **options})


def reason(result: FetchResult) -> str:
    assert not result.pages
    (failure,) = result.failures
    assert failure.reason.endswith(".")
    return failure.reason


async def test_a_page(site: Any) -> None:
    site.put("/help?a=1", "<p>Words.</p>", content_type="text/html; charset=utf-8")
    result = await fetch(f"{site.url}/help?a=1#part")
    (page,) = result.pages
    assert (page.url, page.data, page.media_type) == (f"{site.url}/help?a=1", b"<p>Words.</p>", "text/html")
    assert not result.failures


async def test_a_private_page_is_refused_unless_allowed(site: Any) -> None:
    site.put("/", "secret")
    assert "private network" in reason(await fetch(site.url, allow_private=False))
    assert site.asked == []


async def test_a_sitemap_gives_its_pages_once_and_reports_progress(site: Any) -> None:
    site.put("/sitemap.xml", sitemap(f"{site.url}/a", "/b", f"{site.url}/a#part", "/c"), content_type=XML)
    for path in ("/a", "/b"):
        site.put(path, f"<p>{path}</p>")
    steps: list[tuple[int, int]] = []
    result = await fetch(f"{site.url}/sitemap.xml", on_progress=lambda done, known: steps.append((done, known)))
    assert sorted(page.data for page in result.pages) == [b"<p>/a</p>", b"<p>/b</p>"]
    assert [(f.url, f.reason) for f in result.failures] == [(f"{site.url}/c", "The server answered 404 (Not Found).")]
    assert steps == [(1, 3), (2, 3), (3, 3)]


async def test_an_index_of_packed_sitemaps(site: Any) -> None:
    site.put(
        "/index.xml", sitemap("/one.xml.gz", "/two.xml", "/one.xml.gz", "/index.xml", kind="sitemap"), content_type=XML
    )
    site.put("/one.xml.gz", gzip.compress(sitemap("/a").encode()), content_type="application/x-gzip")
    site.put("/two.xml", sitemap("/b"), content_type="text/plain")
    site.put("/a", "A")
    site.put("/b", "B")
    result = await fetch(f"{site.url}/index.xml")
    assert sorted(page.data for page in result.pages) == [b"A", b"B"]
    assert not result.failures


async def test_a_sitemap_does_not_lead_to_other_sites_or_the_inside(site: Any) -> None:
    site.put("/sitemap.xml", sitemap("http://169.254.169.254/latest", "file:///etc/passwd", "/a"), content_type=XML)
    site.put("/a", "A")
    result = await fetch(f"{site.url}/sitemap.xml")
    assert [page.data for page in result.pages] == [b"A"]
    assert [f.reason for f in result.failures] == ["The sitemap lists a page of another site, which was not read."] * 2


async def test_pages_are_read_four_at_once_at_most(site: Any) -> None:
    site.put("/sitemap.xml", sitemap(*(f"/{at}" for at in range(30))), content_type=XML)
    for at in range(30):
        site.put(f"/{at}", "x" * 50_000)
    result = await fetch(f"{site.url}/sitemap.xml")
    assert len(result.pages) == 30
    assert 1 < site.most_at_once <= 4


async def test_robots_are_respected(site: Any) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /private\n", content_type="text/plain")
    site.put("/sitemap.xml", sitemap("/a", "/private/b", "/private/c"), content_type=XML)
    site.put("/a", "A")
    site.put("/private/b", "B")
    result = await fetch(f"{site.url}/sitemap.xml")
    assert [page.data for page in result.pages] == [b"A"]
    assert all("robots.txt does not allow" in failure.reason for failure in result.failures)
    assert sorted(site.paths) == ["/a", "/sitemap.xml"]
    assert [path for path, _ in site.asked].count("/robots.txt") == 1


async def test_redirects_end_at_the_pages_address(site: Any) -> None:
    site.put("/old", status="301 Moved", location="/new")
    site.put("/new", "page")
    (page,) = (await fetch(f"{site.url}/old")).pages
    assert page.url == f"{site.url}/new"


async def test_redirects_inside_are_refused(site: Any) -> None:
    site.put("/", status="302 Found", location="http://169.254.169.254/latest/meta-data/")
    assert "private network" in reason(await fetch(f"{site.url}/"))


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://shop.example/", "gopher://127.0.0.1:1/x"])
async def test_redirects_off_the_web_are_refused(site: Any, location: str) -> None:
    site.put("/", status="302 Found", location=location)
    assert "not on the web" in reason(await fetch(f"{site.url}/"))


async def test_redirects_in_a_circle_end(site: Any) -> None:
    site.put("/", status="302 Found", location="/")
    assert "more than 5 times" in reason(await fetch(f"{site.url}/"))
    assert len(site.paths) == 6


@pytest.mark.parametrize("length", ["", "5000"])
async def test_a_page_over_the_limit_is_not_read_to_its_end(site: Any, length: str) -> None:
    site.put("/", b"x" * 5_000, content_length=length)
    assert "bytes" in reason(await fetch(f"{site.url}/", FetchLimits(page_bytes=1_000)))


@pytest.mark.parametrize("sent", ["", "<p>some"])
async def test_a_server_that_stalls_is_left(site: Any, sent: str) -> None:
    site.put("/", sent, content_length="1000", hold=True)
    assert "more than 0.2 seconds" in reason(await fetch(f"{site.url}/", FetchLimits(page_seconds=0.2)))


async def test_what_was_read_before_the_time_ran_out_is_kept(site: Any) -> None:
    site.put("/sitemap.xml", sitemap("/a", "/slow", "/b"), content_type=XML)
    site.put("/a", "A")
    site.put("/slow", "S", content_length="1000", hold=True)
    site.put("/b", "B")
    result = await fetch(f"{site.url}/sitemap.xml", FetchLimits(total_seconds=0.5))
    assert sorted(page.data for page in result.pages) == [b"A", b"B"]
    assert result.failures[-1].reason == "Reading stopped after 0.5 seconds; 1 of 3 pages were not read."


async def test_the_number_and_the_sum_of_pages_are_bounded(site: Any) -> None:
    site.put("/sitemap.xml", sitemap("/a", "/b", "/c"), content_type=XML)
    for path in ("/a", "/b", "/c"):
        site.put(path, "x" * 100)
    result = await fetch(f"{site.url}/sitemap.xml", FetchLimits(pages=2))
    assert len(result.pages) == 2
    assert "lists 3 pages; the first 2 were read" in result.failures[0].reason
    result = await fetch(f"{site.url}/sitemap.xml", FetchLimits(total_bytes=250, concurrency=1))
    assert len(result.pages) == 2
    assert "more than 250 bytes together" in result.failures[0].reason


@pytest.mark.parametrize(
    ("body", "content_type", "what"),
    [
        (b"\x89PNG", "image/png", "type image/png"),
        ("<rss/>", "application/rss+xml", "type application/rss+xml"),
        ("{}", "application/json", "type application/json"),
        (f"<urlset {NAMESPACE}><url>", XML, "not well-formed"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><urlset/>', XML, "type application/xml"),
    ],
)
async def test_what_is_no_page_says_so(site: Any, body: bytes | str, content_type: str, what: str) -> None:
    site.put("/", body, content_type=content_type)
    assert what in reason(await fetch(f"{site.url}/"))


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("ftp://shop.example/", "Only http and https"),
        ("file:///etc/passwd", "Only http and https"),
        ("shop.example/help", "Only http and https"),
        ("http://", "Only http and https"),
        ("http://me:secret@shop.example/", "user name or a password"),
        ("http://[::1", "not on the web"),
    ],
)
async def test_an_address_that_is_none_says_so(url: str, what: str) -> None:
    assert what in reason(await fetch(url))


async def test_a_server_that_is_not_there_says_so(site: Any) -> None:
    async def nowhere(host: str, port: int) -> list[str]:
        raise OSError

    said = reason(await fetch("http://shop.example/", resolve=nowhere))
    assert said == "The server could not be reached or broke off (shop.example has no address)."
