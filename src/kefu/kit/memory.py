"""Memory that big work leaves behind, given back to the system."""

import ctypes
import gc
import sys
from contextlib import suppress


def give_back() -> None:
    """Return freed memory to the system after big work; does nothing where the C library is not glibc.

    glibc keeps what threads freed for their next allocation: a process that has read a large source holds its peak
    for good. Takes some milliseconds.
    """
    gc.collect()
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):  # musl has no such function
        ctypes.CDLL(None).malloc_trim(0)
