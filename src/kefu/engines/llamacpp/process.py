"""The generator's process, seen from the serving one: start, watch, restart, stop. Synchronous; from any thread."""

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from kefu.kit.errors import BadInstallation, Unavailable
from kefu.kit.log import Log

log = Log(__name__)

# A model that brings its process down at every prompt must not be loaded over and over.
RESTARTS = 3
RESTARTS_WITHIN = 60.0
# After its input has ended it leaves at once; what does not is killed.
GRACE = 2.0
# Between the end of a process's connections and the end of the process itself, in seconds, on a loaded machine.
NOTICED_WITHIN = 1.0


@dataclass(frozen=True)
class Address:
    """Where the process listens and the key it asks for."""

    url: str
    key: str = field(repr=False)


class LlamaProcess:
    """One process that serves one model; started when first asked for, again after a crash."""

    def __init__(self, name: str, parameters: Mapping[str, Any], *, load_timeout: float) -> None:
        self._name = name
        self._parameters = parameters
        self._load_timeout = load_timeout
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._address: Address | None = None
        self._starts: deque[float] = deque(maxlen=RESTARTS)

    def address(self) -> Address | None:
        """Where it listens now; None when it does not run. Does not block."""
        child, address = self._child, self._address
        return address if child is not None and child.poll() is None else None

    def has_ended(self) -> bool:
        """Whether the process is gone; called after its connection broke, which shows a moment before its end does."""
        child = self._child
        try:
            return child is None or child.wait(NOTICED_WITHIN) is not None
        except subprocess.TimeoutExpired:
            return False

    def ensure(self) -> Address:
        """Where it listens, after starting it if need be. Blocks while it loads.

        Raises BadInstallation when the model cannot be loaded, Unavailable when the process does not come up.
        """
        with self._lock:
            address = self.address()
            if address is None:
                self._refuse_endless_restarts()
                self._reap()
                address = self._start()
            return address

    def stop(self) -> None:
        """End the process; safe to call twice."""
        with self._lock:
            self._reap()
            self._starts.clear()

    def _refuse_endless_restarts(self) -> None:
        now = time.monotonic()
        if len(self._starts) == RESTARTS and now - self._starts[0] < RESTARTS_WITHIN:
            raise Unavailable(f"The process of model {self._name} keeps ending; it is not started again for a minute.")
        if self._starts:
            log.warning("generator_restarted", model=self._name, status=self._child.poll() if self._child else None)
        self._starts.append(now)

    def _start(self) -> Address:
        child = subprocess.Popen(
            [sys.executable, "-m", "kefu.engines.llamacpp.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # llama.cpp's messages may quote prompts
            start_new_session=True,  # an interrupt on the terminal is ours to act on
            env={**os.environ, "OMP_NUM_THREADS": str(self._parameters["threads"])},
        )
        self._child = child
        key = secrets.token_urlsafe(32)
        patience = threading.Timer(self._load_timeout, child.kill)
        patience.start()
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            with suppress(BrokenPipeError):  # it ended already; its answer says why
                child.stdin.write(json.dumps({**self._parameters, "key": key}).encode() + b"\n")
                child.stdin.flush()
            answer = child.stdout.readline()
        finally:
            patience.cancel()
        self._address = Address(self._listening(answer), key)
        return self._address

    def _listening(self, answer: bytes) -> str:
        told = json.loads(answer) if answer else {}
        if "address" in told:
            return str(told["address"])
        self._reap()
        if "error" in told:
            log.error("generator_not_loaded", model=self._name, reason=told["error"])
            raise BadInstallation(f"Model {self._name} cannot be loaded: the file is no GGUF that llama.cpp can run.")
        raise Unavailable(f"The process of model {self._name} did not come up within {self._load_timeout:g} seconds.")

    def _reap(self) -> None:
        child, self._child, self._address = self._child, None, None
        if child is None:
            return
        assert child.stdin is not None
        assert child.stdout is not None
        with suppress(BrokenPipeError):
            child.stdin.close()
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        child.stdout.close()
