"""How well Kefu knows what it does not know: python benchmarks/refusal.py --data DIR

Each corpus is asked its own questions, those of the other corpora, its own again with the answer taken out, and where
somebody wrote such, questions near to its own that it does not answer. For a range of thresholds: the share of its own
that is answered, and of the others that is refused. Only questions of half 1, on which nothing was fitted.
"""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from cases import GROUPS, Case, cases

from engines import encoders
from kefu.knowledge.confidence import default_thresholds

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    asyncio.run(measure(parser.parse_args().data))


async def measure(data: Path) -> None:
    engines = await encoders()
    print(f"default thresholds: {default_thresholds()}")
    print("| corpus | threshold | own answered | of these right | foreign refused | left out refused | near refused |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for language, names in GROUPS.items():
        asked = [case for case in await cases(data, language, engines) if case.half == 1]
        for name in names:
            for threshold in THRESHOLDS:
                print(line(name, threshold, [case for case in asked if case.corpus == name]))


def line(name: str, threshold: float, asked: Sequence[Case]) -> str:
    def refused(kind: str) -> str:
        kept = [case.evidence.confidence < threshold for case in asked if case.kind == kind]
        return f"{sum(kept) / len(kept):.3f}" if kept else ""

    every = [case for case in asked if case.kind == "own"]
    own = [case for case in every if case.evidence.confidence >= threshold]
    right = sum(case.right for case in own) / max(1, len(own))
    return (
        f"| {name} | {threshold} | {len(own) / len(every):.3f} | {right:.3f} "
        f"| {refused('foreign')} | {refused('left_out')} | {refused('near')} |"
    )


if __name__ == "__main__":
    main()
