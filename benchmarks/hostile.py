"""Whole collections of strange and hostile texts against flows and tools: python benchmarks/hostile.py --data DIR

DIR holds `adversarial` with blns.json (the Big List of Naughty Strings) and *.jsonl (injections, poisoned passages,
personal data). Each text is said to every kind of slot and at every question of the demo's flows in each of their
languages, given by tools, written as template, condition and flow, sent as an argument in every part of a request, and
used as an address where every name leads into one's own network. What must hold is in tests/flows/holding.py; a text
for which it does not is named, and the exit code is 1.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parent.parent))  # tests are not installed
from tests.flows import holding

import kefu.demo
from kefu.contracts.flow import Flow

RESULTS = Path(__file__).parent / "results/hostile.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with adversarial/")
    parser.add_argument("--every", type=int, default=1, help="take only every n-th text")
    given = parser.parse_args()
    folder = given.data / "adversarial"
    files = [folder / "blns.json", *sorted(folder.glob("*.jsonl"))]
    texts = list(dict.fromkeys([*holding.ASTRAY, *(text for file in files for text in holding.texts_of(file))]))
    texts = texts[:: given.every]
    flows = holding.load_all(Path(kefu.demo.__file__).parent / "flows")
    begun = time.perf_counter()
    broken = {name: tried(name, check, texts) for name, check in checks(flows).items()}
    print(f"| {len(texts):,} texts | broken |\n| --- | ---: |")
    for name, found in broken.items():
        print(f"| {name} | {len(found)} |")
    print(f"\n{time.perf_counter() - begun:.0f} s")
    RESULTS.write_text(
        json.dumps({"texts": len(texts), "broken": broken}, indent=1, ensure_ascii=False) + "\n", "utf-8"
    )
    sys.exit(any(broken.values()))


def checks(flows: Sequence[Flow]) -> dict[str, Callable[[str], object]]:
    """What is done with each text, by what it is called in the table."""
    return {
        "slots of every kind": holding.slots_stay_empty_or_hold_plain_data,
        "every flow, in its languages": lambda text: holding.flows_go_on(text, flows),
        "every question": lambda text: [holding.every_question_stands(text, flow) for flow in flows],
        "templates, conditions, files": holding.templates_reach_nothing,
        "arguments of a request": holding.requests_stay_at_home,
        "addresses": lambda text: holding.no_forbidden_host_is_reached([text]),
    }


def tried(name: str, check: Callable[[str], object], texts: Sequence[str]) -> list[str]:
    """The texts for which it does not hold, with why."""
    found = []
    for text in tqdm(texts, desc=name, disable=not sys.stderr.isatty()):
        try:
            check(text)
        except Exception as error:  # whatever it is, it is what is looked for
            found.append(f"{text[:200]!r}: {type(error).__name__}: {str(error)[:200]}")
            print(f"{name}: {found[-1]}", file=sys.stderr)
    return found


if __name__ == "__main__":
    main()
