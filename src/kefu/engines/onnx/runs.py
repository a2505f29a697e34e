"""The encoder's one thread and what waits for it: queries first, passages in short runs between them.

Nothing waits for company: while one run is in progress, what arrives queues, and the next run takes it.
"""

import atexit
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from kefu.contracts.engine import Matrix
from kefu.kit.errors import Busy, Unavailable

# Texts of one run differ in length by no more than this: padding costs as much as text.
LENGTH_RATIO = 2.0
# A passage run is no longer than this many bytes of padded text, about 250 tokens: with MiniLM on one thread a query
# that comes in the middle waits 30 ms at most. Longer runs are no faster.
RUN_BYTES = 1024
PASSAGES_A_RUN = 8
# Under an unbroken stream of queries, every so many runs one of passages goes ahead, so that ingest still ends.
QUERIES_BEFORE_PASSAGES = 64


@dataclass
class _Query:
    text: str
    size: int
    done: "Future[Matrix]"


@dataclass
class _Passages:
    """An ingest's batch: `left` are row numbers still to do, longest last, so that they are taken from the end."""

    texts: Sequence[str]
    left: list[int]
    rows: Matrix
    done: "Future[Matrix]"


class Runs:
    """Runs texts through `run` on a thread of its own. Its methods may be called from any thread."""

    def __init__(self, run: Callable[[Sequence[str]], Matrix], *, dimension: int, batch: int, queue: int) -> None:
        self._run = run
        self._dimension = dimension
        self._batch = batch
        self._queue = queue
        self._queries: deque[_Query] = deque()
        self._passages: deque[_Passages] = deque()
        self._since_passages = 0
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="kefu-encoder", daemon=True)
        self._thread.start()
        # An interpreter that goes while the thread is in native code tears it out of there, and the process aborts.
        atexit.register(self.close)

    def query(self, text: str) -> "Future[Matrix]":
        """Queue one short text; the result is float32 [1, dimension]. Raises Busy when the queue is full."""
        query = _Query(text, _size(text), Future())
        with self._wake:
            self._refuse_if_closed()
            if len(self._queries) >= self._queue:
                raise Busy("The encoder has too many questions waiting.", retry_after=1)
            self._queries.append(query)
            self._wake.notify()
        return query.done

    def passages(self, texts: Sequence[str]) -> "Future[Matrix]":
        """Queue many texts behind all queries; the result is float32 [len(texts), dimension]."""
        by_length = sorted(range(len(texts)), key=lambda row: _size(texts[row]))
        rows = np.empty((len(texts), self._dimension), np.float32)
        job = _Passages(texts, by_length, rows, Future())
        with self._wake:
            self._refuse_if_closed()
            self._passages.append(job)
            self._wake.notify()
        return job.done

    def close(self) -> None:
        """Finish the run in progress, fail what waits as Unavailable, end the thread."""
        with self._wake:
            self._closed = True
            waiting = [query.done for query in self._queries] + [job.done for job in self._passages]
            self._queries.clear()
            self._passages.clear()
            self._wake.notify()
        for done in waiting:
            if done.set_running_or_notify_cancel():
                done.set_exception(Unavailable("The encoder was closed."))
        if self._thread is not threading.current_thread():
            self._thread.join()
        atexit.unregister(self.close)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Unavailable("The encoder is closed.")

    def _work(self) -> None:
        while True:
            with self._wake:
                while not (self._closed or self._queries or self._passages):
                    self._wake.wait()
                if self._closed:
                    return
                passages_turn = self._passages and (
                    not self._queries or self._since_passages >= QUERIES_BEFORE_PASSAGES
                )
                job = self._passages[0] if passages_turn else None
                queries = [] if job else self._take_queries()
                self._since_passages = self._since_passages + 1 if self._passages and not job else 0
            if job:
                self._do_passages(job)
            else:
                self._do_queries(queries)

    def _take_queries(self) -> list[_Query]:
        """The oldest query, and those of like length that fit in its run."""
        first = self._queries.popleft()
        taken = [first]
        if self._batch > 1:
            kept: deque[_Query] = deque()
            for query in self._queries:
                alike = max(query.size, first.size) <= LENGTH_RATIO * min(query.size, first.size)
                (taken if alike and len(taken) < self._batch else kept).append(query)
            self._queries = kept
        return taken

    def _do_queries(self, queries: list[_Query]) -> None:
        asked = [query for query in queries if query.done.set_running_or_notify_cancel()]
        if not asked:
            return
        try:
            rows = self._run([query.text for query in asked])
        except Exception as error:  # whatever it is belongs to those who asked; the thread goes on
            for query in asked:
                query.done.set_exception(error)
            return
        for row, query in enumerate(asked):
            query.done.set_result(rows[row : row + 1])

    def _do_passages(self, job: _Passages) -> None:
        """One run of the job, and its end if nothing is left. A cancelled job is dropped."""
        if job.done.cancelled():
            self._drop(job)
            return
        taken = self._next_run(job)
        try:
            job.rows[taken] = self._run([job.texts[row] for row in taken])
        except Exception as error:  # as above
            self._drop(job)
            if _is_wanted(job):
                job.done.set_exception(error)
            return
        if not job.left:
            self._drop(job)
            if _is_wanted(job):
                job.done.set_result(job.rows)
            return
        with self._wake:
            if len(self._passages) > 1 and self._passages[0] is job:
                self._passages.rotate(-1)  # a small job does not wait for a large one

    def _next_run(self, job: _Passages) -> list[int]:
        taken = [job.left.pop()]
        longest = _size(job.texts[taken[0]])
        while job.left and len(taken) < min(PASSAGES_A_RUN, self._batch):
            if longest * (len(taken) + 1) > RUN_BYTES or _size(job.texts[job.left[-1]]) * LENGTH_RATIO < longest:
                break
            taken.append(job.left.pop())
        return taken

    def _drop(self, job: _Passages) -> None:
        with self._wake:
            if job in self._passages:
                self._passages.remove(job)


def _is_wanted(job: _Passages) -> bool:
    """Whether somebody still waits: a job in work is not when the encoder was closed, or it was cancelled."""
    return not job.done.done() and job.done.set_running_or_notify_cancel()


def _size(text: str) -> int:
    # Bytes of UTF-8 follow tokens in English and Chinese alike (about 4.5 and 3.5 to a token) and cost nothing.
    return len(text.encode("utf-8", "surrogatepass")) + 1
