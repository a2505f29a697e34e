"""How fast the public API answers, beside the bare encoder on the same machine in the same run.

    python benchmarks/serving.py [--clients 16] [--seconds 20] [--rounds 3]

Starts a server on a fresh demo workspace, asks FAQ wordings (approved answers) and headings' questions (extracted
answers) over HTTP with `?wait=20`, one conversation a client. Questions are asked again and again, as those on buttons
are, so that vectors, passages, intents and moods of most are remembered; those of the last kind have their words in
another order each time, and none is asked twice. Rounds of the bare encoder (batch 1, the same threads, the same
questions) and of the API take turns, since these machines' speed drifts; ratios are of neighbours.
"""

import argparse
import asyncio
import csv
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import kefu

DEMO = Path(kefu.__file__).parent / "demo"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--clients", type=int, default=16)
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--port", type=int, default=8199)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="kefu-serving-") as home:
        server = Server(Path(home), given.port)
        try:
            asyncio.run(measure(server, given.clients, given.seconds, given.rounds))
        finally:
            server.stop()


class Server:
    """A real server process on its own home folder."""

    def __init__(self, home: Path, port: int) -> None:
        self.port = port
        self._environment = {
            **os.environ,
            "KEFU_HOME": str(home),
            "OMP_NUM_THREADS": "1",
            "KEFU_MESSAGES_PER_MINUTE_PER_KEY": "1000000",
            "KEFU_LOG_LEVEL": "warning",
        }
        self._kefu = str(Path(sys.executable).parent / "kefu")
        self.process = self._start()
        self.wait()
        made = subprocess.run(
            [self._kefu, "keys", "create", "bench", "-w", "demo", "--json"],
            env=self._environment,
            capture_output=True,
            text=True,
            check=True,
        )
        self.key = json.loads(made.stdout)["key"]

    def wait(self) -> float:
        began = time.monotonic()
        while time.monotonic() - began < 180:
            try:
                asyncio.run(Client(self.port, "").call("GET", "/readyz", None, expect=200))
                return time.monotonic() - began
            except (OSError, RuntimeError):
                time.sleep(0.02)
        raise SystemExit("The server did not become ready.")

    def restart(self) -> None:
        self.stop()
        self.process = self._start()

    def memory_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    def _start(self) -> subprocess.Popen:
        command = [self._kefu, "up", "--demo", "--port", str(self.port)]
        return subprocess.Popen(command, env=self._environment, stdout=subprocess.DEVNULL)


class Client:
    """One kept-alive HTTP connection, written by hand so that the load costs little beside the server."""

    def __init__(self, port: int, key: str) -> None:
        self._port, self._key = port, key
        self._streams = None

    async def call(self, method: str, path: str, body: dict | None, *, expect: int) -> dict:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        data = json.dumps(body).encode() if body is not None else b""
        writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self._key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode()
            + data
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head, re.I)[1])
        answer = json.loads(await reader.readexactly(length))
        if int(head[9:12]) != expect:
            raise RuntimeError(f"{method} {path}: {answer}")
        return answer


async def measure(server: Server, clients: int, seconds: float, rounds: int) -> None:
    bare = BareEncoder()
    kinds = {
        "approved, English": Questions(faq("en")),
        "approved, Chinese": Questions(faq("zh")),
        "extracted, English": Questions(headings("en")),
        "extracted, English, none asked twice": Questions(headings("en"), fresh=True),
    }
    print(f"| {clients} clients, {seconds:.0f} s a round | messages/s | bare encoder texts/s | ratio |")
    print("| --- | --- | --- | --- |")
    for name, questions in kinds.items():
        await load(server, questions, clients, 3.0)
        pairs = []
        for _ in range(rounds):
            texts = bare.texts_a_second(questions.texts, "zh" if "Chinese" in name else "en", seconds / 2)
            latencies, _ = await load(server, questions, clients, seconds)
            pairs.append((len(latencies) / seconds, texts))
        messages = statistics.median(each for each, _ in pairs)
        texts = statistics.median(each for _, each in pairs)
        ratio = statistics.median(each / other for each, other in pairs)
        print(f"| {name} | {messages:.0f} | {texts:.0f} | {ratio:.2f} |", flush=True)
    print("\n| one client, warm | p50 ms | p95 ms | decisions |")
    print("| --- | --- | --- | --- |")
    for name, questions in kinds.items():
        latencies, decisions = await load(server, questions, 1, 8.0)
        latencies.sort()
        p50, p95 = latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.95)]
        print(f"| {name} | {1000 * p50:.1f} | {1000 * p95:.1f} | {dict(sorted(decisions.items()))} |", flush=True)
    print(f"\nServing process: {server.memory_mb():.0f} MB resident.")
    server.restart()
    began = time.monotonic()
    server_ready = await asyncio.to_thread(server.wait)
    latencies, _ = await load(server, kinds["approved, English"], 1, 0.01)
    first = time.monotonic() - began
    print(f"Later start: ready in {server_ready:.1f} s, first answer {first:.1f} s after the command.")


async def load(
    server: Server, questions: "Questions", clients: int, seconds: float
) -> tuple[list[float], dict[str, int]]:
    latencies: list[float] = []
    decisions: dict[str, int] = {}
    until = time.monotonic() + seconds

    async def one(number: int) -> None:
        client = Client(server.port, server.key)
        thread = (await client.call("POST", "/v1/conversations", {}, expect=201))["id"]
        place = number * 7
        while True:
            began = time.monotonic()
            path = f"/v1/conversations/{thread}/messages?wait=20"
            text = questions.at(place)
            answer = await client.call("POST", path, {"text": text}, expect=201)
            latencies.append(time.monotonic() - began)
            reply = answer["reply"]
            decision = reply["decision"] if reply else "none"
            decisions[decision] = decisions.get(decision, 0) + 1
            if decision in {"none", "hand_over"}:  # a member's from now on: go on in a new conversation
                thread = (await client.call("POST", "/v1/conversations", {}, expect=201))["id"]
            place += 1
            if time.monotonic() >= until:
                return

    await asyncio.gather(*(one(number) for number in range(clients)))
    return latencies, decisions


class Questions:
    """Texts by place, again and again; `fresh`: the next text each time, its words in an order of their own."""

    def __init__(self, texts: list[str], *, fresh: bool = False) -> None:
        self.texts = texts
        self._fresh = fresh
        self._asked = 0

    def at(self, place: int) -> str:
        if not self._fresh:
            return self.texts[place % len(self.texts)]
        self._asked += 1
        words = self.texts[self._asked % len(self.texts)].replace(" - ", " ").split()
        random.Random(self._asked).shuffle(words)
        return " ".join(words)


class BareEncoder:
    """The encoder's ONNX session and tokenizer with nothing around them."""

    def __init__(self) -> None:
        import kefu_models
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._models = {}
        for language, name in (("en", "minilm-service-en"), ("zh", "e5-small-zh-en")):
            folder = kefu_models.path(name)
            session = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            tokenizer.no_padding()
            self._models[language] = (session, tokenizer, "query: " if language == "zh" else "")

    def texts_a_second(self, texts: list[str], language: str, seconds: float) -> float:
        import numpy as np

        session, tokenizer, prefix = self._models[language]
        done, began = 0, time.monotonic()
        while time.monotonic() - began < seconds:
            ids = tokenizer.encode(prefix + texts[done % len(texts)])
            feed = {
                "input_ids": np.array([ids.ids], np.int64),
                "attention_mask": np.array([ids.attention_mask], np.int64),
            }
            session.run(None, {each.name: feed[each.name] for each in session.get_inputs()})
            done += 1
        return done / (time.monotonic() - began)


def faq(language: str) -> list[str]:
    with (DEMO / "faq" / f"{language}.csv").open(encoding="utf-8") as file:
        return [row["question"] for row in csv.DictReader(file)]


def headings(language: str) -> list[str]:
    """Sections of articles as questions: they have no FAQ entry of their own wording, so answers are extracted."""
    found = []
    for path in sorted((DEMO / "articles" / language).glob("*.md")):
        text = path.read_text(encoding="utf-8")
        title = re.search(r"^# (.+)$", text, re.M)[1]
        found += [f"{heading} - {title}" for heading in re.findall(r"^## (.+)$", text, re.M)]
    return found


if __name__ == "__main__":
    main()
