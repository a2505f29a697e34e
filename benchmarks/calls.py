"""How long a customer who speaks waits for the first sound of an answer: in a live call, and after a voice note.

    python benchmarks/calls.py --data DIR [--recordings 10] [--rounds 1] [--out FILE]

People's recordings (`DIR/speech/manifest.csv`, English sentences of 1.5 to 6 s) and questions that our voices speak
(both languages) are asked of a real server, each with an approved answer of its own, so that none was spoken before.
In a call the sound is sent as fast as it was spoken; the time runs from the last frame in which somebody speaks to the
first sound of the answer, the silence that tells the end within it. Of a voice note it runs from the end of its upload
to the first bytes of the answer's sound, its first clause, which is when the widget begins to play.
"""

import argparse
import asyncio
import contextlib
import csv
import json
import statistics
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import numpy as np
from crowd import Customer, Server
from websockets.asyncio.client import ClientConnection, connect

from kefu.contracts.call import RATE, Origin, read_frame
from kefu.contracts.engine import Sound
from kefu.engines.tts.engine import EmbeddedSpeaker
from kefu.knowledge.sound import decode, encode, resampled
from kefu.knowledge.sound.voice import WINDOW, detector

QUESTIONS = {
    "en": [
        "How much does standard delivery cost?",
        "Can I change the address of my order?",
        "When will my refund arrive?",
        "Do you ship to other countries?",
        "How do I cancel my subscription?",
    ],
    "zh": [
        "标准配送需要多少钱？",
        "我可以修改收货地址吗？",
        "退款什么时候到账？",
        "你们可以寄到国外吗？",
        "怎么取消订阅？",
    ],
}
ANSWERS = {
    "en": "Thank you for asking. Case {number} is settled within three working days. You need not do anything.",
    "zh": "感谢您的咨询，第{number}项会在三个工作日内处理完毕。您不需要做任何事情。",
}
_FRAME = RATE // 25
_LIMITS = {"call": 2.0, "note": 3.0}


@dataclass(frozen=True)
class Question:
    """A spoken question: who speaks, its words, its sound at 16 kHz."""

    group: str
    language: str
    text: str
    samples: np.ndarray


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--recordings", type=int, default=10)
    options.add_argument("--rounds", type=int, default=1)
    options.add_argument("--port", type=int, default=8196)
    options.add_argument("--out", type=Path, help="write the figures as JSON as well")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="kefu-calls-") as home:
        server = Server(Path(home), given.port)  # first: engines read the settings, which name its home
        try:
            asked = [*people(given.data / "speech", given.recordings), *asyncio.run(ours())]
            teach(server, asked)
            found = asyncio.run(measure(server, asked, given.rounds))
        finally:
            server.stop()
    if given.out:
        given.out.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def people(folder: Path, most: int) -> list[Question]:
    found = []
    for row in csv.DictReader((folder / "manifest.csv").open(encoding="utf-8")):
        if row["lang"] == "en" and 1.5 <= float(row["duration_s"]) <= 6 and len(found) < most:
            sound = decode((folder / row["file"]).read_bytes())
            found.append(Question("en, people", "en", row["transcript"], sound.samples))
    return found


async def ours() -> list[Question]:
    speaker = EmbeddedSpeaker("package:voices", {"threads": 1})
    await speaker.load()
    found = []
    for language, texts in QUESTIONS.items():
        for text in texts:
            pieces = [each async for each in speaker.speak(text, language)]
            whole = Sound(np.concatenate([each.samples for each in pieces]), pieces[0].rate)
            found.append(Question(f"{language}, our voice", language, text, resampled(whole, RATE).samples))
    await speaker.close()
    return found


def teach(server: Server, asked: list[Question]) -> None:
    """Give every question an approved answer, and wait until the server has read them."""
    from kefu.desk.actor import system
    from kefu.desk.library.actions import add_faq
    from kefu.desk.library.due import read_sources
    from kefu.desk.wiring import wiring

    kefu = system(server.workspace)
    ids = [
        add_faq(kefu, question=each.text, answer=ANSWERS[each.language].format(number=number)).id
        for number, each in enumerate(asked, 11)
    ]
    read_sources(server.workspace, ids, embed=partial(wiring().embed, workspace_id=server.workspace))
    wiring().close()
    last = asked[-1].text
    for _ in range(25):
        [customer] = server.customers(1)
        with client(server, customer) as http:
            path = f"/v1/conversations/{customer.conversation}/messages"
            reply = http.post(path, params={"wait": 20}, json={"text": last}).json()["reply"]
        if reply and str(10 + len(asked)) in reply["answer"]:
            return
        time.sleep(2)
    raise SystemExit(f"The server did not take up the questions; it answers: {reply}")


def client(server: Server, customer: Customer) -> httpx.Client:
    headers = {"Authorization": f"Bearer {customer.token}"}
    return httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=120)


async def measure(server: Server, asked: list[Question], rounds: int) -> dict[str, object]:
    calls: dict[str, list[dict[str, float]]] = defaultdict(list)
    notes: dict[str, list[float]] = defaultdict(list)
    # The first of each language reads weights: what a process does once is not what a customer waits for.
    for language in QUESTIONS:
        warm = next(each for each in asked if each.language == language)
        await one_call(server, warm)
    for _ in range(rounds):
        for each in asked:
            calls[each.group].append(await one_call(server, each))
        for each in asked:
            notes[each.group].append(await asyncio.to_thread(one_note, server, each))
    return {"calls": told_calls(calls), "notes": told_notes(notes)}


async def one_call(server: Server, question: Question) -> dict[str, float]:
    """Seconds from the end of speech to the words, to the answer's text and to its first sound."""
    [customer] = await asyncio.to_thread(server.customers, 1)
    end = end_of_speech(question.samples)
    sound = np.concatenate([np.zeros(RATE // 2, np.float32), question.samples, np.zeros(8 * RATE, np.float32)])
    pcm = (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()
    async with connect(f"ws://127.0.0.1:{server.port}/v1/calls", max_queue=None) as wire:
        hello = {"type": "hello", "token": customer.token, "conversation": customer.conversation}
        await wire.send(json.dumps({**hello, "language": question.language}))
        assert json.loads(await wire.recv())["type"] == "ready"
        began = time.perf_counter()
        speaking = asyncio.create_task(speak(wire, pcm, began))
        ended = began + 0.5 + end / RATE
        try:
            return {name: at - ended for name, at in (await heard(wire)).items()}
        finally:
            speaking.cancel()
            await wire.send(json.dumps({"type": "hang_up"}))


async def speak(wire: ClientConnection, pcm: bytes, began: float) -> None:
    for number, start in enumerate(range(0, len(pcm), 2 * _FRAME), 1):
        await asyncio.sleep(max(0.0, began + number * _FRAME / RATE - time.perf_counter()))
        await wire.send(pcm[start : start + 2 * _FRAME])


async def heard(wire: ClientConnection) -> dict[str, float]:
    """When the words were told, the answer's first sentence, and its first sound."""
    times: dict[str, float] = {}
    names = {"utterance.final": "words", "reply.sentence": "answer"}
    async with asyncio.timeout(120):
        async for frame in wire:
            if isinstance(frame, bytes):
                if read_frame(frame)[0] is Origin.ANSWER:
                    return {**times, "sound": time.perf_counter()}
            elif name := names.get(json.loads(frame)["type"]):
                times[name] = time.perf_counter()
    raise SystemExit("The call ended without an answer.")


def one_note(server: Server, question: Question) -> float:
    """Seconds from a voice note's upload to the first sound of its answer."""
    [customer] = server.customers(1)
    here = f"/v1/conversations/{customer.conversation}"
    with client(server, customer) as http:
        note = encode(Sound(question.samples, RATE), "opus")
        file = http.post(f"{here}/attachments", files={"file": ("voice.ogg", note)}).json()["id"]
        uploaded = time.perf_counter()
        http.post(f"{here}/messages", params={"wait": 60}, json={"text": "", "attachments": [file]}).raise_for_status()
        answer = http.get(f"{here}/messages").json()["messages"][-1]
        with http.stream("GET", f"{here}/messages/{answer['id']}/audio") as sound:
            next(sound.iter_bytes())
        return time.perf_counter() - uploaded


def end_of_speech(samples: np.ndarray) -> int:
    """The sample behind the last window in which somebody speaks."""
    hear, last = detector(), 0
    for start in range(0, len(samples) - WINDOW, WINDOW):
        if hear(samples[start : start + WINDOW]) >= 0.5:
            last = start + WINDOW
    return last


def told_calls(found: dict[str, list[dict[str, float]]]) -> dict[str, object]:
    print(f"{'live call':18} {'n':>3} {'words':>7} {'answer':>7} {'sound p50':>10} {'p90':>6}   must be under 2 s")
    figures = {}
    for group, rows in found.items():
        with contextlib.suppress(KeyError):
            medians = {name: statistics.median(row[name] for row in rows) for name in ("words", "answer", "sound")}
            late = float(np.quantile([row["sound"] for row in rows], 0.9))
            print(
                f"{group:18} {len(rows):3} {medians['words']:7.2f} {medians['answer']:7.2f} {medians['sound']:10.2f} "
                f"{late:6.2f}   {'met' if medians['sound'] < _LIMITS['call'] else 'missed'}"
            )
            figures[group] = {**medians, "sound_p90": late, "n": len(rows)}
    return figures


def told_notes(found: dict[str, list[float]]) -> dict[str, object]:
    print(f"\n{'voice note':18} {'n':>3} {'sound p50':>10} {'p90':>6}   must be under 3 s")
    figures = {}
    for group, seconds in found.items():
        half, late = statistics.median(seconds), float(np.quantile(seconds, 0.9))
        print(f"{group:18} {len(seconds):3} {half:10.2f} {late:6.2f}   {'met' if half < _LIMITS['note'] else 'missed'}")
        figures[group] = {"sound": half, "sound_p90": late, "n": len(seconds)}
    return figures


if __name__ == "__main__":
    main()
