"""Web pages by address: one page, or the pages of a sitemap."""

import asyncio
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urldefrag, urljoin, urlsplit
from urllib.robotparser import RobotFileParser

import httpx
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from kefu.kit.errors import BadInput, KefuError
from kefu.knowledge.guarded_http import USER_AGENT, Resolve, guarded_client, read_body

_READABLE = re.compile(
    r"text/(?:html|plain|markdown|csv)|application/(?:xhtml\+xml|pdf|zip|octet-stream)"
    r"|application/vnd\.openxmlformats-officedocument\.(?:wordprocessingml\.document|spreadsheetml\.sheet)"
)
_SITEMAP_TYPES = re.compile(r"(?:application|text)/xml|application/(?:x-)?gzip|application/rss\+xml")
_SITEMAP_ROOT = re.compile(
    rb"^\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*|<\?[^>]*>\s*)*<(?:\w+:)?(urlset|sitemapindex)\b", re.DOTALL
)
# What Google reads of a robots.txt; sites keep theirs far below.
_ROBOTS_BYTES = 500 * 2**10


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bounds of one `fetch_pages`."""

    page_bytes: int = 10 * 2**20
    pages: int = 500
    sitemaps: int = 50
    # Pages are kept in memory until they are parsed.
    total_bytes: int = 200 * 2**20
    redirects: int = 5
    page_seconds: float = 20.0
    total_seconds: float = 600.0
    # What a small site bears without noticing.
    concurrency: int = 4


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """`url` is where redirects ended; `media_type` is what the server said, without parameters."""

    url: str
    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class FetchFailure:
    """An address that could not be read; `reason` is one sentence."""

    url: str
    reason: str


@dataclass(frozen=True, slots=True)
class FetchResult:
    pages: tuple[FetchedPage, ...] = ()
    failures: tuple[FetchFailure, ...] = ()


async def fetch_pages(
    url: str,
    *,
    limits: FetchLimits = FetchLimits(),
    allow_private: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    resolve: Resolve | None = None,
) -> FetchResult:
    """Read the page at `url`, or the pages that it lists if it is a sitemap (also an index of sitemaps, also .gz).

    Never raises for what servers do: what could not be read is in `failures`. Only http and https; addresses in private
    networks are refused unless `allow_private`. The site's robots.txt is respected. `on_progress` is told (pages done,
    pages known) after each page.
    """
    async with guarded_client(
        allow_private=allow_private, timeout=limits.page_seconds, max_redirects=limits.redirects, resolve=resolve
    ) as client:
        fetcher = _Fetcher(client, limits, on_progress)
        try:
            async with asyncio.timeout(limits.total_seconds):
                await fetcher.run(url)
        except TimeoutError:
            fetcher.stop(url, f"Reading stopped after {limits.total_seconds:g} seconds")
        finally:
            fetcher.close()
        return FetchResult(tuple(fetcher.pages.values()), tuple(fetcher.failures))


class _Fetcher:
    def __init__(
        self, client: httpx.AsyncClient, limits: FetchLimits, on_progress: Callable[[int, int], None] | None
    ) -> None:
        # By address, so that two that lead to one page count once.
        self.pages: dict[str, FetchedPage] = {}
        self.failures: list[FetchFailure] = []
        self._client = client
        self._limits = limits
        self._on_progress = on_progress
        self._robots: dict[str, asyncio.Task[RobotFileParser]] = {}
        self._known = 1
        self._done = 0
        self._bytes = 0
        self._is_stopped = False

    def close(self) -> None:
        for task in self._robots.values():
            task.cancel()

    def stop(self, url: str, why: str) -> None:
        """Say once that the pages that are left are not read, and read no more."""
        if not self._is_stopped:
            self._is_stopped = True
            self.fail(url, f"{why}; {self._known - self._done:,} of {self._known:,} pages were not read.")

    def fail(self, url: str, reason: str) -> None:
        self.failures.append(FetchFailure(url, reason))

    async def run(self, url: str) -> None:
        first = await self._try(url)
        if first is None:
            self._step()
            return
        if _sitemap_text(first, self._limits.page_bytes) is None:
            self._keep(first)
            self._step()
            return
        addresses = await self._listed(first)
        self._known = len(addresses)
        await self._each(addresses)

    async def _each(self, addresses: list[str]) -> None:
        queue = iter(addresses)

        async def worker() -> None:
            for address in queue:
                if self._is_stopped:
                    return
                page = await self._try(address)
                if page is not None:
                    self._keep(page)
                self._step()

        async with asyncio.TaskGroup() as group:
            for _ in range(self._limits.concurrency):
                group.create_task(worker())

    def _keep(self, page: FetchedPage) -> None:
        if not _READABLE.fullmatch(page.media_type):
            self.fail(page.url, f"The page is of the type {page.media_type}, which cannot be read as knowledge.")
        elif self._bytes + len(page.data) > self._limits.total_bytes:
            self.stop(page.url, f"The pages have more than {self._limits.total_bytes:,} bytes together")
        elif page.url not in self.pages:
            self.pages[page.url] = page
            self._bytes += len(page.data)

    def _step(self) -> None:
        self._done += 1
        if self._on_progress:
            self._on_progress(self._done, self._known)

    # --- sitemaps

    async def _listed(self, first: FetchedPage) -> list[str]:
        """The pages of a sitemap and of the sitemaps that it lists, each once, up to the limit."""
        addresses: dict[str, None] = {}
        waiting, seen = [first], {first.url}
        while waiting:
            sitemap = waiting.pop(0)
            kind, found = self._entries(sitemap)
            for address in found:
                if not _same_site(address, first.url):
                    self.fail(address, "The sitemap lists a page of another site, which was not read.")
                elif kind == "urlset":
                    addresses[address] = None
                elif address not in seen and len(seen) < self._limits.sitemaps:
                    seen.add(address)
                    page = await self._try(address)
                    if page is not None:
                        waiting.append(page)
        if len(addresses) > self._limits.pages:
            self.fail(
                first.url,
                f"The sitemap lists {len(addresses):,} pages; the first {self._limits.pages:,} were read.",
            )
        return list(addresses)[: self._limits.pages]

    def _entries(self, sitemap: FetchedPage) -> tuple[str, list[str]]:
        text = _sitemap_text(sitemap, self._limits.page_bytes)
        if text is None:
            self.fail(sitemap.url, "The address is listed as a sitemap but is none.")
            return "", []
        try:
            root = ElementTree.fromstring(text, forbid_dtd=True)
        except (ElementTree.ParseError, DefusedXmlException, ValueError):
            self.fail(sitemap.url, "The sitemap is not well-formed XML.")
            return "", []
        namespace, _, kind = root.tag.rpartition("}")
        name = f"{namespace}}}loc" if namespace else "loc"
        places = [entry.findtext(name) or "" for entry in root]
        return kind, [urldefrag(urljoin(sitemap.url, place.strip())).url for place in places if place.strip()]

    # --- single requests

    async def _try(self, url: str) -> FetchedPage | None:
        try:
            async with asyncio.timeout(self._limits.page_seconds):
                await self._check(url)
                return await self._get(url)
        except (TimeoutError, httpx.TimeoutException):
            self.fail(url, f"The server took more than {self._limits.page_seconds:g} seconds.")
        except KefuError as error:
            self.fail(url, error.sentence)
        except httpx.TooManyRedirects:
            self.fail(url, f"The page redirects more than {self._limits.redirects} times.")
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, ValueError):
            self.fail(url, "The page redirects to an address that is not on the web.")
        except (httpx.HTTPError, httpx.StreamError) as error:
            why = str(error) or type(error).__name__  # a name that nobody knows says so
            self.fail(url, f"The server could not be reached or broke off ({why}).")
        return None

    async def _check(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput("Only http and https addresses can be read.")
        if parts.username or parts.password:
            raise BadInput("Addresses with a user name or a password are not read.")
        robots = await self._robots_of(f"{parts.scheme}://{parts.netloc}")
        if not robots.can_fetch(USER_AGENT, url):
            raise BadInput("The site's robots.txt does not allow Kefu to read this page.")

    async def _get(self, url: str) -> FetchedPage:
        async with self._client.stream("GET", urldefrag(url).url) as response:
            if response.status_code != httpx.codes.OK:
                reason = response.reason_phrase or "no reason given"
                raise BadInput(f"The server answered {response.status_code} ({reason}).")
            media_type = response.headers.get("content-type", "").split(";")[0].strip().lower()
            if media_type and not _READABLE.fullmatch(media_type) and not _SITEMAP_TYPES.fullmatch(media_type):
                raise BadInput(f"The page is of the type {media_type}, which cannot be read as knowledge.")
            data = await read_body(response, self._limits.page_bytes)
            return FetchedPage(str(response.url), data, media_type or "application/octet-stream")

    async def _robots_of(self, origin: str) -> RobotFileParser:
        if origin not in self._robots:
            self._robots[origin] = asyncio.create_task(self._read_robots(origin))
        return await asyncio.shield(self._robots[origin])

    async def _read_robots(self, origin: str) -> RobotFileParser:
        """A site without a readable robots.txt allows everything."""
        robots = RobotFileParser()
        lines: list[str] = []
        try:
            async with self._client.stream("GET", f"{origin}/robots.txt") as response:
                if response.status_code == httpx.codes.OK:
                    lines = (await read_body(response, _ROBOTS_BYTES)).decode("utf-8", errors="replace").splitlines()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, KefuError):
            pass
        robots.parse(lines)
        return robots


def _sitemap_text(page: FetchedPage, most_bytes: int) -> bytes | None:
    """The XML of a sitemap, unpacked, or None for anything else."""
    data = page.data
    if data.startswith(b"\x1f\x8b"):
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            data = unpacker.decompress(data, most_bytes)
        except zlib.error:
            return None
    return data if _SITEMAP_ROOT.match(data[:4096].removeprefix(b"\xef\xbb\xbf")) else None


def _same_site(address: str, sitemap: str) -> bool:
    """Whether a host is the sitemap's, or one of them is the other's subdomain (www.shop.example, shop.example)."""
    try:
        first, second = urlsplit(address).hostname or "", urlsplit(sitemap).hostname or ""
    except ValueError:
        return False
    return first == second or first.endswith("." + second) or second.endswith("." + first)
