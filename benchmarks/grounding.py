"""Whether figures and links leave in answers that no cited passage holds.

    python benchmarks/grounding.py --data DIR [--answers 1000]

Three rounds on the pages of Doc2Dial and the demo's help centre in both languages, through the command line: answers
without a language model; by one that says what passages say; and by one that lies, an OpenAI-compatible server that
changes a figure of a passage, or adds a price, a date or a link, in every reply that it gives. Every answer's figures
and links are then looked up, as digits and as they are written ($20 and $20.00 alike), in the passages that it cites:
by a few lines here, not by Kefu's own check.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import kefu
from kefu.testing.fakes import FakeOpenAIServer

ROOT = Path(__file__).parents[1]
DEMO = Path(kefu.__file__).parent / "demo"
ANSWERED = {"approved", "extracted", "generated"}
KINDS = '["generated", "extracted"]'
SEED = 11
_FIGURE = re.compile(r"\d+(?:[.,:/-]\d+)*")
_LINK = re.compile(r"https?://[^\s)）。，]+|www\.[^\s)）。，]+")
# A full stop within a figure ends no sentence: "$20.00" must not be quoted as "$20".
_SENTENCE = re.compile(r"(?:[^.!?。！？\n]|(?<=\d)\.(?=\d)){12,}[.!?。！？](?!\d)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--answers", type=int, default=1000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kefu-grounding-") as folder, FakeOpenAIServer() as server:
        home = Path(folder)
        questions = prepare(home, given.data)
        print("| round | asked | answered | approved, extracted, generated | replies with a lie | figures | unheld |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for name, liar in (("without a language model", None), ("it quotes", truth), ("it lies", lie)):
            print(asked(name, home, server, liar, questions, given.answers), flush=True)


def prepare(home: Path, data: Path) -> list[str]:
    """Knowledge in one workspace; the questions of its corpora, mixed."""
    pages = home / "pages"
    pages.mkdir()
    for number, page in enumerate(_rows(data / "helpcentre_en/doc2dial_docs.jsonl")):
        (pages / f"{number}.md").write_text(f"# {page['title']}\n\n{page['text']}", encoding="utf-8")
    run(home, "knowledge", "add", str(pages), str(DEMO / "faq"), str(DEMO / "articles"), "-w", "all", "--json")
    questions = [row["question"] for row in _rows(data / "helpcentre_en/doc2dial_questions.jsonl")]
    questions += [row["question"] for row in _rows(ROOT / "tests/demo/dev_questions.jsonl")]
    questions = list(dict.fromkeys(questions))
    random.Random(SEED).shuffle(questions)
    return questions


def asked(
    name: str,
    home: Path,
    server: FakeOpenAIServer,
    reply: Callable[[str, random.Random], str] | None,
    questions: Sequence[str],
    wanted: int,
) -> str:
    """A line of the table: `wanted` answers, or as many as the questions give."""
    lies = 0
    chance = random.Random(SEED)

    def say(body: dict) -> list[str]:
        nonlocal lies
        text = reply("\n".join(turn["content"] for turn in body["messages"]), chance) if reply else ""
        lies += reply is lie
        return [text]

    server.reply = say
    generator = ("--generator", "openai:fake-model", "--base-url", server.url) if reply else ("--generator", "none")
    kinds = KINDS if reply else '["approved", "extracted"]'
    run(home, "assistant", "set", f"kinds={kinds}", *generator, "-w", "all")
    decisions: Counter[str] = Counter()
    figures = unheld = count = 0
    for answer in answers(home, questions):
        count += 1
        if answer["decision"] not in ANSWERED:
            continue
        decisions[answer["decision"]] += 1
        said, missing = judged(answer)
        figures += said
        unheld += len(missing)
        for each in missing:
            print(f"{name}: {each} in {answer['answer']!r}", file=sys.stderr)
        if decisions.total() >= wanted:
            break
    split = ", ".join(str(decisions[each]) for each in ("approved", "extracted", "generated"))
    return f"| {name} | {count} | {decisions.total()} | {split} | {lies} | {figures} | {unheld} |"


def answers(home: Path, questions: Sequence[str]) -> Iterator[dict]:
    """Kefu's answers, a few hundred questions a command, so that no more are asked than are wanted."""
    for start in range(0, len(questions), 400):
        file = home / "questions.jsonl"
        rows = [{"id": str(start + at), "question": text} for at, text in enumerate(questions[start : start + 400])]
        file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
        yield from map(json.loads, run(home, "ask", "--questions", str(file), "-w", "all", "--json-lines").splitlines())


def judged(answer: dict) -> tuple[int, list[str]]:
    """How many figures and links an answer says, and those that no cited passage holds."""
    cited = " ".join(f"{citation['title']} {citation['text']}" for citation in answer["citations"])
    held = {plain(figure) for figure in _FIGURE.findall(cited)}
    links = _LINK.findall(answer["answer"])
    figures = [plain(figure) for figure in _FIGURE.findall(_LINK.sub(" ", answer["answer"]))]
    missing = [figure for figure in figures if figure not in held]
    return len(figures) + len(links), missing + [link for link in links if link.rstrip(".,") not in cited]


def plain(figure: str) -> str:
    """A figure without thousands' commas and without the cents of a whole amount."""
    return figure.replace(",", "").removesuffix(".00")


def truth(prompt: str, chance: random.Random) -> str:
    """A sentence or two of what the server was shown."""
    said = _SENTENCE.findall(prompt)
    with_figures = [each for each in said if _FIGURE.search(each)]
    return " ".join(each.strip() for each in chance.sample(with_figures or said, 1))


def lie(prompt: str, chance: random.Random) -> str:
    """The same with one figure changed, or with a price, a date or a link that stands nowhere."""
    text = truth(prompt, chance)
    figure = _FIGURE.search(text)
    ways = ["price", "date", "link", *(["figure"] * 5 if figure else [])]
    match chance.choice(ways):
        case "price":
            return f"{text} It costs {chance.randrange(1000, 9000)}.37 dollars."
        case "date":
            return f"{text} This holds until {chance.randrange(1, 28)} March {chance.randrange(2031, 2060)}."
        case "link":
            return f"{text} See https://example.org/{chance.randrange(10_000)} for more."
        case _:
            changed = str(chance.randrange(10_000, 99_999))
            return text[: figure.start()] + changed + text[figure.end() :] if figure else text


def run(home: Path, *arguments: str) -> str:
    """What a command of Kefu prints. Raises CalledProcessError."""
    command = [str(Path(sys.executable).parent / "kefu"), *arguments]
    environment = {**os.environ, "KEFU_HOME": str(home / "kefu"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def _rows(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
