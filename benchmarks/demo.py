"""The demo's 200 held-out questions, asked as a customer would: how many are right, refused, wrong.

    python benchmarks/demo.py
    python benchmarks/demo.py --dev --misses    the questions that constants were chosen on

Knowledge is the demo workspace as `kefu up --demo` makes it. An answer is right when it states every fact of the
question (tests/demo/test_demo_faq.py says how facts are compared) and no figure that is known to be wrong; an
unanswerable question is treated right when it is refused or handed over. Every answer's figures and links are also
looked up in the passages it cites. They judge; see docs/benchmarks.md for what was settled after a look at totals.
"""

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import kefu

ROOT = Path(__file__).parents[1]
QUESTIONS = ROOT / "tests" / "demo" / "questions.jsonl"
DEV = ROOT / "tests" / "demo" / "dev_questions.jsonl"
DEMO = Path(kefu.__file__).parent / "demo"
ANSWERED = {"approved", "extracted", "generated"}
FIGURE = re.compile(r"\d+(?:[.,:]\d+)*")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--misses", action="store_true", help="print what went wrong (do not tune on it)")
    options.add_argument("--dev", action="store_true", help="ask the questions that constants were chosen on")
    given = options.parse_args()
    questions = DEV if given.dev else QUESTIONS
    rows = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory(prefix="kefu-demo-") as home:
        answers = ask_all(home, questions)
    judge = facts_judge()
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        verdict = verdict_of(row, answers[row["id"]], judge)
        counts[row["language"], verdict] += 1
        if given.misses and verdict not in {"right", "rightly refused"}:
            print(f"{verdict}: {row['id']} {row['question']}\n    {answers[row['id']]['decision']}", file=sys.stderr)
    report(rows, answers, counts)


def ask_all(home: str, questions: Path) -> dict[str, dict]:
    kefu_command = str(Path(sys.executable).parent / "kefu")
    environment = {**os.environ, "KEFU_HOME": home, "OMP_NUM_THREADS": "1"}
    places = [str(DEMO / "faq"), str(DEMO / "articles")]
    subprocess.run(
        [kefu_command, "knowledge", "add", *places, "-w", "demo", "--json"],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    asked = subprocess.run(
        [kefu_command, "ask", "--questions", str(questions), "-w", "demo", "--json-lines"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return {row["id"]: row for row in map(json.loads, asked.stdout.splitlines())}


def facts_judge():
    place = ROOT / "tests" / "demo" / "test_demo_faq.py"
    spec = importlib.util.spec_from_file_location("demo_judge", place)
    judge = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(judge)
    return judge


def verdict_of(row: dict, answer: dict, judge) -> str:
    answered = answer["decision"] in ANSWERED
    if not row["answerable"]:
        return "answered without knowledge" if answered else "rightly refused"
    if not answered:
        return "asked back" if answer["decision"] == "clarify" else "refused"
    text = judge.normalised(answer["answer"])
    if any(judge.says(text, wrong) for wrong in row.get("forbidden", [])):
        return "wrong figure"
    return "right" if judge.states(answer["answer"], row["facts"]) else "answered beside the point"


def unsupported(answers: dict[str, dict]) -> int:
    """Figures that stand in an answer and in none of the passages it cites."""
    count = 0
    for answer in answers.values():
        if answer["decision"] in ANSWERED:
            cited = " ".join(citation["text"] for citation in answer["citations"])
            count += sum(figure not in cited for figure in FIGURE.findall(answer["answer"]))
    return count


def report(rows: list[dict], answers: dict[str, dict], counts: Counter) -> None:
    print("| | English | Chinese | all |\n| --- | --- | --- | --- |")
    verdicts = [
        "right",
        "answered beside the point",
        "wrong figure",
        "refused",
        "asked back",
        "rightly refused",
        "answered without knowledge",
    ]
    for verdict in verdicts:
        en, zh = counts["en", verdict], counts["zh", verdict]
        print(f"| {verdict} | {en} | {zh} | {en + zh} |")
    answerable = sum(row["answerable"] for row in rows)
    right = counts["en", "right"] + counts["zh", "right"]
    answered = right + sum(counts[each, verdict] for each in ("en", "zh") for verdict in verdicts[1:3])
    print(
        f"\nOf {answerable} answerable questions {right / answerable:.3f} are answered right; "
        f"of the {answered} that were answered, {right / max(answered, 1):.3f}."
    )
    print(f"Figures in answers that no cited passage holds: {unsupported(answers)}.")
    two = sum(answer["decision"] == "approved" and len(answer["citations"]) > 1 for answer in answers.values())
    print(f"Answers that give two approved answers: {two}.")


if __name__ == "__main__":
    main()
