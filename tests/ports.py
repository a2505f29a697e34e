"""Ports for servers that tests start, kill, and start again."""

import random
import socket

# Below what systems give to whoever calls out (from 32768 on Linux, 49152 elsewhere): there, a call of anybody's may
# have the port while its server is down. Above what Chromium refuses to open.
_PORTS = range(11_000, 32_000)
_given: set[int] = set()


def free_port() -> int:
    """One that nobody has now, and that this process has not been given before."""
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            if port in _given or probe.connect_ex(("127.0.0.1", port)) == 0:
                continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise AssertionError("Every port is taken.")
