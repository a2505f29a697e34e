"""Kefu in processes of its own: a home of the test's, commands, and servers that can be killed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from ..ports import free_port

HELP = "# Delivery\n\nStandard delivery costs ¥12 and takes 2 to 4 working days.\n"
FAQ = """question,answer
What are your opening hours?,We answer from 9:00 to 21:00 every day.
怎么退货？,在订单页申请退货。
"""


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def rows(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Home:
    """A KEFU_HOME and the settings that its commands run with."""

    path: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KEFU_", "DJANGO_"))}
        # The locale of a bare container: what people type and what files are called is UTF-8 all the same.
        return {**kept, "LC_ALL": "C.UTF-8", "KEFU_HOME": str(self.path), **self.settings}

    def kefu(self, *arguments: str | Path, stdin: str | bytes = b"", folder: Path | None = None) -> Done:
        """Run a command to its end; that it says no traceback holds always."""
        return self._run("-m", "kefu.cli", *map(str, arguments), stdin=stdin, folder=folder)

    def python(self, program: str, *arguments: str) -> Done:
        """Run a program to its end: what several commands would do in a process each."""
        return self._run("-c", program, *arguments)

    def _run(self, *arguments: str, stdin: str | bytes = b"", folder: Path | None = None) -> Done:
        done = subprocess.run(
            [sys.executable, *arguments],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            env=self.environment,
            cwd=folder,
            capture_output=True,
            check=False,
            timeout=600,
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        assert "Traceback" not in out + err, err
        return Done(done.returncode, out, err)

    def refuses(self, *arguments: str | Path, **given: Any) -> str:
        """The one sentence that a command says when it fails."""
        done = self.kefu(*arguments, **given)
        assert done.code == 1, (done.code, done.out, done.err)
        assert done.out == ""
        [sentence] = done.err.splitlines()
        assert sentence.startswith("kefu: ")
        return sentence.removeprefix("kefu: ")


class Server:
    """`kefu up` on a port of its own."""

    def __init__(self, home: Home, port: int, *options: str) -> None:
        self.home = home
        self.port = port
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        log = (self.home.path.parent / "server.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "kefu.cli", "up", "--port", str(self.port), *self._options],
            env=self.home.environment,
            stdout=log,
            stderr=log,
        )
        log.close()

    def ready(self, *, within: float = 240) -> None:
        """Return once it answers; fails if it ends before."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            assert self._process is not None
            assert self._process.poll() is None, (self.home.path.parent / "server.log").read_text()
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/healthz", timeout=10).status_code == 200:
                    return
        raise AssertionError("The server did not start.")

    def ended(self, *, within: float) -> int | None:
        """Its exit code, or None if it goes on for so many seconds."""
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(within)
        return None

    def kill(self) -> None:
        """As a power cut: nothing of it runs on."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """As systemd or Docker stops it; gives its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(how)
        return self._process.wait(60)


@contextlib.contextmanager
def running(home: Home, *options: str) -> Iterator[Server]:
    server = Server(home, free_port(), *options)
    server.start()
    try:
        server.ready()
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.kill()
