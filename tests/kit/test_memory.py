"""Memory is given back after big work, where the C library can."""

import sys
from pathlib import Path

import pytest

from kefu.kit.memory import give_back


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process's resident memory so")
def test_what_many_small_pieces_held_is_given_back() -> None:
    pieces = [bytearray(4_000) for _ in range(25_000)]  # 100 MB of the heap, not of mappings of their own
    last = bytearray(4_000)  # keeps the heap's end in use
    full = resident()
    del pieces
    give_back()
    assert full - resident() > 50
    assert len(last) == 4_000


def resident() -> float:
    with Path("/proc/self/statm").open(encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096 / 2**20
