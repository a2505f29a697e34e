"""A call outlives its server: what was acknowledged is stored and answered once, and the customer speaks on."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from kefu.contracts.call import RATE
from kefu.knowledge.sound import decode
from kefu.testing.fakes import FakeOpenAIServer, Handler, SeenRequest

from ..ports import free_port
from .homes import FAQ, Home, Server

# Somebody reads aloud (tests/engines/speech/fixtures/LICENSE); what it says the recogniser is told to have heard.
RECORDED = Path(__file__).parents[1] / "engines" / "speech" / "fixtures" / "en_lj_LJ001-0002.wav"
ASKED = "What are your opening hours?"
WITHIN = 400.0  # seconds that a start may take on a crowded machine
_FRAME = 2 * RATE // 25


class Voices(FakeOpenAIServer):
    """Recogniser and voice, whose caller may not survive: the server dies while `fatal` is worked on."""

    def __init__(self) -> None:
        super().__init__()
        self.transcript = {"text": ASKED, "language": "english", "segments": []}
        self.server: Server | None = None
        self.fatal = ""
        self.killed = threading.Event()

    def answer(self, handler: Handler, request: SeenRequest) -> None:
        if self.fatal and request.path.endswith(self.fatal) and not is_warming_up(request):
            self.fatal = ""
            assert self.server is not None
            self.server.kill()
            self.killed.set()
            handler.close_connection = True
        else:
            super().answer(handler, request)


def is_warming_up(request: SeenRequest) -> bool:
    """What the server says to itself once: a greeting, and the tenth of a second that it is spoken as."""
    if request.path.endswith("speech"):
        return bool(request.body["input"] == "Hello.")
    return decode(request.body["file"]).seconds < 0.5


class Line:
    """A browser on the line."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def say(self) -> None:
        sound = decode(RECORDED.read_bytes()).samples
        pcm = (sound * 32_767).astype("<i2").tobytes() + bytes(2 * RATE)
        for start in range(0, len(pcm), _FRAME):
            self.socket.send(pcm[start : start + _FRAME])

    def tell(self, kind: str) -> None:
        self.socket.send(json.dumps({"type": kind}))

    def until(self, kind: str) -> dict[str, Any]:
        while True:
            frame = self.socket.recv(timeout=WITHIN)
            if isinstance(frame, str) and (told := json.loads(frame))["type"] == kind:
                return dict(told)


class Customer:
    """A visitor of the chat."""

    def __init__(self, server: Server, channel: str) -> None:
        self.server = server
        answer = httpx.post(f"{server.url}/v1/channels/{channel}/visitors", json={}, timeout=WITHIN)
        self.token = answer.json()["token"]
        self.http = httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=WITHIN)
        self.conversation = self.http.post("/v1/conversations", json={}).json()["id"]

    @contextmanager
    def calling(self, **more: str) -> Iterator[tuple[Line, dict[str, Any]]]:
        """On the line, with the call as the server told it."""
        with connect(f"ws://127.0.0.1:{self.server.port}/v1/calls") as socket:
            hello = {"type": "hello", "token": self.token, "conversation": self.conversation, "language": "en", **more}
            socket.send(json.dumps(hello))
            line = Line(socket)
            yield line, line.until("ready")["call"]

    def said(self) -> list[tuple[str, str]]:
        """Who said what, once nothing waits for its answer any more."""
        place = f"/v1/conversations/{self.conversation}/messages"
        for _ in range(3000):
            lines = self.http.get(place).json()["messages"]
            if all(each["outcome"] != "pending" for each in lines):
                return [(each["author"], each["text"]) for each in lines]
            threading.Event().wait(0.1)
        raise AssertionError("Something stays pending.")


@pytest.mark.slow
def test_a_call_goes_on_after_its_server_was_killed(tmp_path: Path) -> None:
    with Voices() as voices:
        settings = {
            "KEFU_TRANSCRIBER": "openai:fake-model",
            "KEFU_SPEAKER": "openai:fake-model",
            "KEFU_SPEECH_URL": voices.url,
            "KEFU_TURN_LEASE_SECONDS": "2",
            "KEFU_LOG_LEVEL": "warning",
        }
        home = Home(tmp_path / "home", settings)
        (tmp_path / "faq.csv").write_text(FAQ, encoding="utf-8")
        home.kefu("knowledge", "add", tmp_path / "faq.csv")
        channel = home.kefu("channels", "create", "Website", "--json").json["id"]
        server = voices.server = Server(home, free_port())
        server.start()
        try:
            server.ready(within=WITHIN)
            customer = Customer(server, channel)
            with customer.calling() as (line, call):
                voices.fatal = "transcriptions"  # heard, and nothing of it acknowledged
                cut_off(voices, line)
            assert customer.said() == []
            with customer.calling(call=call["id"]) as (line, same):
                assert same["id"] == call["id"]
                voices.fatal = "speech"  # acknowledged, and the answer about to be heard
                cut_off(voices, line)
            answered = customer.said()
            with customer.calling(call=call["id"]) as (line, same):
                assert (same["id"], same["state"]) == (call["id"], "talking")
                line.tell("hang_up")
                line.until("ended")
            with customer.calling() as (_, another):
                assert another["id"] != call["id"]
            assert customer.said()[:2] == answered
        finally:
            server.kill()
    assert answered == [("contact", ASKED), ("assistant", "We answer from 9:00 to 21:00 every day.")]


def cut_off(voices: Voices, line: Line) -> None:
    """Speak to a server that dies of it, and start it again."""
    try:
        line.say()
        assert voices.killed.wait(WITHIN)
    except ConnectionClosed:
        assert voices.killed.is_set()
    voices.killed.clear()
    assert voices.server is not None
    voices.server.start()
    voices.server.ready(within=WITHIN)
