"""Servers that Kefu calls, played on the loopback address: they speak the real protocol and fail on request.

with FakeOpenAIServer() as server:
    server.reply = ["Hello", " there"]
    server.fail_next(503)
    ... call server.url ...
    assert server.requests[0].body["model"] == "m"
"""

import hashlib
import io
import json
import math
import struct
import threading
import wave
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

# No test waits so long; a handler thread that a test forgot ends all the same.
LONGEST_PAUSE = 60.0


@dataclass(frozen=True)
class SeenRequest:
    """A request as the server saw it; header names in lower case, the body read and as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    raw: bytes = b""


@dataclass(frozen=True)
class Failure:
    """An answer that is an error: `body` is sent as JSON."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)


class FakeServer:
    """A local HTTP server on a free port, in threads of its own; a context manager."""

    def __init__(self) -> None:
        self.requests: list[SeenRequest] = []
        self.failures: deque[Failure] = deque()
        self.stopped = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def fail_next(self, status: int, *, times: int = 1, body: Mapping[str, Any] | None = None, **headers: str) -> None:
        """Answer the next `times` requests with an error; header names with `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.failures.extend([Failure(status, named, body or {"error": {"message": "failed on request"}})] * times)

    def answer(self, handler: "Handler", request: SeenRequest) -> None:
        """Answer one request. To override."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def pause(self, seconds: float) -> None:
        """Wait, but not past the server's end."""
        self.stopped.wait(min(seconds, LONGEST_PAUSE))

    def _handler(self) -> type["Handler"]:
        return type("BoundHandler", (Handler,), {"fake": self})


class Handler(BaseHTTPRequestHandler):
    """Reads a request, lets the fake answer it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every answer waits 40 ms for an acknowledgement
    fake: FakeServer

    def do_GET(self) -> None:
        self._take(None)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        content = self.rfile.read(length)
        kind = self.headers.get("Content-Type", "")
        is_form = kind.startswith("multipart/")
        if kind.startswith("application/x-www-form-urlencoded"):
            body: Any = dict(parse_qsl(content.decode()))
        else:
            body = _form(kind, content) if is_form else json.loads(content or b"null")
        self._take(body, content)

    def send_json(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        self.send_whole(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})

    def send_whole(self, status: int, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: requests are in `FakeServer.requests`."""

    def _take(self, body: Any, raw: bytes = b"") -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = SeenRequest(self.command, self.path, headers, body, raw)
        self.fake.requests.append(request)
        if self.fake.failures:
            failure = self.fake.failures.popleft()
            self.send_json(failure.status, failure.body, failure.headers)
        else:
            self.fake.answer(self, request)


def _form(kind: str, content: bytes) -> dict[str, Any]:
    """A multipart form's fields as text, its files as bytes."""
    parts = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + content)
    fields: dict[str, Any] = {}
    for part in parts.get_payload():
        value = part.get_payload(decode=True)  # type: ignore[union-attr]
        name = str(part.get_param("name", header="content-disposition"))  # type: ignore[union-attr]
        fields[name] = value if part.get_filename() else value.decode()  # type: ignore[union-attr]
    return fields


class FakeOpenAIServer(FakeServer):
    """Chat completions (streamed or whole), embeddings, speech and models, as an OpenAI-compatible server gives them.

    `reply` are the pieces of each answer, or a function of the request's body. `latency` is the pause before the first
    piece and `pause_between` before each later one, in seconds. After `cut_after` pieces the connection breaks, after
    `error_after` the stream holds an error.
    `hung_up` is set when a caller closed the connection before the answer's end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reply: Sequence[str] | Callable[[Any], Sequence[str]] = ("Hello", " there", ".")
        self.model = "fake-model"
        self.api_key = ""
        self.latency = 0.0
        self.pause_between = 0.0
        self.cut_after: int | None = None
        self.error_after: int | None = None
        self.streams = True
        self.dimension = 8
        self.transcript: Mapping[str, Any] = {"text": "Hello there.", "language": "english", "segments": []}
        self.speech = _tone()
        self.hung_up = threading.Event()
        self.most_at_once = 0
        self._at_once = 0
        self._counting = threading.Lock()

    @property
    def url(self) -> str:
        return f"{self.address}/v1"

    def answer(self, handler: Handler, request: SeenRequest) -> None:
        with self._counting:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            self._route(handler, request)
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True
            self.hung_up.set()
        finally:
            with self._counting:
                self._at_once -= 1

    def _route(self, handler: Handler, request: SeenRequest) -> None:
        if self.api_key and request.headers.get("authorization") != f"Bearer {self.api_key}":
            handler.send_json(401, _error("invalid_api_key", "Incorrect API key provided."))
        elif request.path == "/v1/models":
            handler.send_json(200, {"object": "list", "data": [{"id": self.model, "object": "model", "created": 1}]})
        elif request.path == "/v1/chat/completions" and request.method == "POST":
            self._chat(handler, request.body)
        elif request.path == "/v1/embeddings" and request.method == "POST":
            self._embeddings(handler, request.body)
        elif request.path == "/v1/audio/transcriptions" and request.method == "POST":
            handler.send_json(200, self.transcript)
        elif request.path == "/v1/audio/speech" and request.method == "POST":
            handler.send_whole(200, self.speech, {"Content-Type": "audio/wav"})
        else:
            handler.send_json(404, _error("not_found", "There is nothing here."))

    def _chat(self, handler: Handler, body: Any) -> None:
        pieces = self.reply(body) if callable(self.reply) else self.reply
        self.pause(self.latency)
        if not (body.get("stream") and self.streams):
            message = {"role": "assistant", "content": "".join(pieces)}
            handler.send_json(200, self._completion(message=message, finish_reason="stop"))
            return
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        self._event(handler, self._completion(delta={"role": "assistant", "content": ""}))
        for number, piece in enumerate(pieces):
            if number == self.cut_after:
                handler.close_connection = True
                return
            if number == self.error_after:
                self._event(handler, _error("server_error", "The engine died."))
                break
            if number:
                self.pause(self.pause_between)
            self._event(handler, self._completion(delta={"content": piece}))
        else:
            self._event(handler, self._completion(delta={}, finish_reason="stop"))
        self._chunk(handler, b"data: [DONE]\n\n")
        handler.wfile.write(b"0\r\n\r\n")

    def _completion(self, finish_reason: str | None = None, **choice: Any) -> dict[str, Any]:
        kind = "chat.completion" if "message" in choice else "chat.completion.chunk"
        choices = [{"index": 0, "finish_reason": finish_reason, **choice}]
        return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": self.model, "choices": choices}

    def _event(self, handler: Handler, event: Any) -> None:
        self._chunk(handler, f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode())

    @staticmethod
    def _chunk(handler: Handler, content: bytes) -> None:
        handler.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        handler.wfile.flush()

    def _embeddings(self, handler: Handler, body: Any) -> None:
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        self.pause(self.latency)
        data = [
            {"object": "embedding", "index": number, "embedding": self._vector(text)}
            for number, text in enumerate(texts)
        ]
        handler.send_json(200, {"object": "list", "data": data, "model": self.model})

    def _vector(self, text: str) -> list[float]:
        """Numbers made from the text's hash, of no particular length."""
        digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=min(self.dimension, 64)).digest()
        return [digest[number % len(digest)] - 127.5 for number in range(self.dimension)]


def _tone() -> bytes:
    """A tenth of a second of a low tone, as a WAV file of 24,000 samples a second."""
    whole = io.BytesIO()
    with wave.open(whole, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(n / 9))) for n in range(2400)))
    return whole.getvalue()


class FakeHub(FakeServer):
    """A model hub: `files[(model, revision, path)]` at /OWNER/NAME/resolve/REVISION/PATH, behind a redirect.

    `damaged` names paths that it sends with a wrong byte; `break_after` bytes the connection breaks, once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[tuple[str, str, str], bytes] = {}
        self.damaged: set[str] = set()
        self.break_after: int | None = None
        self.redirect_to = ""

    def add(self, model: str, revision: str, files: Mapping[str, bytes]) -> dict[str, Any]:
        """Put a model on the hub; returns the `files` part of its card."""
        for path, content in files.items():
            self.files[(model, revision, path)] = content
        listed = [{"path": path, "sha256": hashlib.sha256(content).hexdigest()} for path, content in files.items()]
        return {"files": listed}

    def answer(self, handler: Handler, request: SeenRequest) -> None:
        if not request.path.startswith("/cdn/"):
            target = f"{self.redirect_to or self.address}/cdn{request.path}"
            handler.send_whole(302, b"", {"Location": target})
            return
        owner, name, _, revision, path = request.path.removeprefix("/cdn/").split("/", 4)
        content = self.files.get((f"{owner}/{name}", revision, path))
        if content is None:
            handler.send_json(404, {"error": "Entry not found"})
            return
        if path in self.damaged:
            content = content[:-1] + bytes([content[-1] ^ 1])
        self._send(handler, content, request.headers.get("range", ""))

    def _send(self, handler: Handler, content: bytes, wanted: str) -> None:
        start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else 0
        if start and start >= len(content):
            handler.send_whole(416, b"")
            return
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(content) - start))
        handler.end_headers()
        end = len(content)
        if self.break_after is not None:
            end, self.break_after = start + self.break_after, None
            handler.close_connection = True
        handler.wfile.write(content[start:end])


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "code": code}}
