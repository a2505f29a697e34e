"""Files from a model hub: over HTTPS, at a pinned revision, resumed when interrupted, kept if the SHA-256 is right."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from tqdm import tqdm

from kefu.kit.errors import BadInput, BadInstallation, Unavailable
from kefu.kit.log import Log

log = Log(__name__)

# A server that lies about a size must not fill the disk; the largest GGUF that one machine serves is smaller.
LARGEST_FILE = 64 * 1024**3
# Hubs answer in a second or two; a stalled transfer is given up and can be resumed.
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True)
class Hub:
    """Which hub, and which commit of a model there. `token` is for private models."""

    url: str = "https://huggingface.co"
    revision: str = ""
    token: str = field(default="", repr=False)

    def is_pinned(self) -> bool:
        """A branch name may be moved to other files; a commit may not."""
        return re.fullmatch(r"[0-9a-f]{40}", self.revision) is not None


def download(hub: Hub, name: str, path: str, sha256: str, target: Path) -> None:
    """Fetch one file of model `name` into `target`.

    Raises Unavailable when the hub does not give the file, BadInstallation when it is not the pinned one.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    url = f"{hub.url.rstrip('/')}/{name}/resolve/{hub.revision}/{path}"
    log.info("model_download_started", model=name, file=path)
    resumed = part.exists()
    _fetch(hub, url, part, path)
    if _digest(part) != sha256 and resumed:
        part.unlink()  # the old beginning may have been another file's
        _fetch(hub, url, part, path)
    found = _digest(part)
    if found != sha256:
        part.unlink()
        raise BadInstallation(
            f"{path} of hub:{name} is not the pinned file: its SHA-256 is {found[:12]}…, {sha256[:12]}… is expected.",
            file=path,
        )
    part.replace(target)
    log.info("model_download_finished", model=name, file=path, bytes=target.stat().st_size)


def _fetch(hub: Hub, url: str, part: Path, title: str) -> None:
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}  # a range counts bytes of the file, not of its compressed form
    if have:
        headers["Range"] = f"bytes={have}-"
    if hub.token:
        headers["Authorization"] = f"Bearer {hub.token}"  # httpx drops it when a redirect leaves the hub's host
    try:
        with (
            httpx.Client(timeout=TIMEOUT, event_hooks={"request": [_only_https]}) as client,
            client.stream("GET", url, headers=headers, follow_redirects=True) as response,
        ):
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                return  # the whole file is there already; its hash decides
            if response.is_error:
                raise Unavailable(
                    f"The model hub answered {response.status_code} for {title}.", status=response.status_code
                )
            _write(response, part, title, have if response.status_code == httpx.codes.PARTIAL_CONTENT else 0)
    except httpx.HTTPError as error:
        raise Unavailable(f"The model hub at {hub.url} cannot be reached: {type(error).__name__}.") from error


def _write(response: httpx.Response, part: Path, title: str, have: int) -> None:
    length = int(response.headers.get("Content-Length", 0))
    if have + length > LARGEST_FILE:
        raise Unavailable(f"{title} is larger than {LARGEST_FILE} bytes.")
    with (
        part.open("ab" if have else "wb") as stream,
        # `disable=None` shows the bar on a terminal only.
        tqdm(desc=title, total=have + length or None, initial=have, unit="B", unit_scale=True, disable=None) as bar,
    ):
        for piece in response.iter_raw():
            stream.write(piece)
            bar.update(len(piece))
            if stream.tell() > LARGEST_FILE:
                raise Unavailable(f"{title} is larger than {LARGEST_FILE} bytes.")


def _only_https(request: httpx.Request) -> None:
    if request.url.scheme != "https" and request.url.host not in LOOPBACK:
        raise BadInput(f"A model hub must be reached over https, not {request.url.scheme}://{request.url.host}.")


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
