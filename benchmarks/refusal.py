"""How well Kefu knows what it does not know: python benchmarks/refusal.py --data DIR

Each corpus is asked its own questions, those of the other corpora, and its own again with the answer taken out. For a
range of thresholds: the share of its own that is answered, and of the others that is refused. Only questions of half 1,
on which nothing was fitted.
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
    print("| corpus | threshold | own answered | of these first hit right | foreign refused | left out refused |")
    print("| --- | --- | --- | --- | --- | --- |")
    for language, names in GROUPS.items():
        asked = [case for case in await cases(data, language, engines) if case.half == 1]
        for name in names:
            for threshold in THRESHOLDS:
                print(line(name, threshold, [case for case in asked if case.corpus == name]))


def line(name: str, threshold: float, asked: Sequence[Case]) -> str:
    def answered(kind: str) -> list[bool]:
        return [case.evidence.confidence >= threshold for case in asked if case.kind == kind]

    own = [case for case in asked if case.kind == "own" and case.evidence.confidence >= threshold]
    right = sum(case.right for case in own) / max(1, len(own))
    shares = {kind: sum(answered(kind)) / max(1, len(answered(kind))) for kind in ("own", "foreign", "left_out")}
    return (
        f"| {name} | {threshold} | {shares['own']:.3f} | {right:.3f} "
        f"| {1 - shares['foreign']:.3f} | {1 - shares['left_out']:.3f} |"
    )


if __name__ == "__main__":
    main()
