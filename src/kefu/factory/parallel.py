"""One training shared by several processes of a machine: each does its part of every batch, all do the same step.

What is learnt does not depend on how many they are, up to rounding:

- the batches are those of one process, and the loss sees the outputs of a whole batch, so that texts that are told from
  each other within it still meet;
- gradients are averaged over the processes, and each process counts its own part of a batch as often as there are
  processes: what the loss has straight from the weights, such as a penalty, then counts once as well;
- what is left to chance is drawn for the whole batch by each process, which keeps its own part; pictures are normalised
  by the mean of the whole batch.

On graphics processors each process has one of its own, and draws for itself what dropout leaves out.

The first process is the one that was asked to train. It starts the others, which do its job up to here (`helping`),
judges, saves and tells; the others compute and end with it. `torch.distributed` joins them: gloo, over the loopback
interface, and NCCL between graphics processors.
"""

import contextlib
import inspect
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from kefu.factory.devices import backends
from kefu.factory.helping import READY, handed_over
from kefu.kit.errors import Unavailable

if TYPE_CHECKING:
    from kefu.factory.loop import Loop

# The others wait while the first judges an epoch or saves. One that is gone is noticed at once, by its connection.
_PATIENCE = timedelta(days=1)
# Gradients are sent together, so many numbers at a time: 64 MB beside the weights.
_SENT_AT_ONCE = 2**24
_LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"
_INTERFACE = "GLOO_SOCKET_IFNAME"
# The loop imports that module by its name; run by `-m` there would be two of each class.
_OTHER = "import sys; from kefu.factory.helping import main; sys.exit(main(sys.argv[1:]))"
# A process that was killed is gone before its connection is; to learn how it ended takes no longer.
_ENDS_WITHIN = 5.0


class ProcessLost(Unavailable):
    """Another process of the training is gone."""


class Alone:
    """A process that trains by itself, and what several must agree on."""

    processes = 1
    is_first = True

    def part(self, rows: int) -> slice:
        """Which rows of a batch this process computes."""
        return slice(0, rows)

    def sharing(self, rows: int) -> AbstractContextManager[object]:
        """While it lasts, chance and means are those of a whole batch."""
        return nullcontext()

    def whole(self, mine: Tensor, rows: int) -> Tensor:
        """The outputs of a whole batch, of which `mine` are those of this process's part."""
        return mine

    def averaged(self, gradient: Tensor) -> Tensor:
        """A gradient as all processes have it together."""
        return gradient

    def average(self, weights: Sequence[Tensor]) -> None:
        """Make the gradients of weights what all processes have together."""

    def agreed(self, stop: bool) -> bool:
        """Whether the first process was asked to stop."""
        return stop

    def judged(self, metrics: Mapping[str, float] | None) -> Mapping[str, float]:
        """What the first process found; the others give None."""
        assert metrics is not None
        return metrics


class Crew(Alone):
    """One of several processes that train together; `rank` 0 is the first."""

    def __init__(self, rank: int, processes: int) -> None:
        self.rank, self.processes = rank, processes
        self.is_first = rank == 0

    def part(self, rows: int) -> slice:
        if not self._is_shared(rows):
            return slice(0, rows)
        return slice(rows * self.rank // self.processes, rows * (self.rank + 1) // self.processes)

    def sharing(self, rows: int) -> AbstractContextManager[object]:
        return _as_a_whole(self.part(rows), rows) if self._is_shared(rows) else nullcontext()

    def whole(self, mine: Tensor, rows: int) -> Tensor:
        if not self._is_shared(rows):
            return mine
        return cast(Tensor, _Gathered.apply(mine, self.part(rows), rows, self.processes))

    def averaged(self, gradient: Tensor) -> Tensor:
        return _summed(gradient.clone()).div_(self.processes)

    def average(self, weights: Sequence[Tensor]) -> None:
        for some in _parcels([each.grad for each in weights if each.grad is not None]):
            flat = self.averaged(torch.cat([each.flatten() for each in some]))
            for each, found in zip(some, flat.split([one.numel() for one in some]), strict=True):
                each.copy_(found.view_as(each))

    def agreed(self, stop: bool) -> bool:
        return bool(_from_first(torch.tensor([stop], dtype=torch.uint8)))

    def judged(self, metrics: Mapping[str, float] | None) -> Mapping[str, float]:
        written = json.dumps(metrics).encode() if self.is_first else b""
        size = int(_from_first(torch.tensor([len(written)])))
        text = torch.frombuffer(bytearray(written or bytes(size)), dtype=torch.uint8)
        found: Mapping[str, float] = json.loads(bytes(_from_first(text).tolist()))
        torch.set_rng_state(_from_first(torch.get_rng_state()))  # judging may have drawn
        return found

    def _is_shared(self, rows: int) -> bool:
        """A batch of fewer rows than processes is computed by each of them, as if it were alone."""
        return rows >= self.processes


def _summed(tensor: Tensor) -> Tensor:
    """The sum over all processes, in place."""
    try:
        dist.all_reduce(tensor)
    except RuntimeError as error:
        raise ProcessLost(f"A process of this training is gone: {error}") from error
    return tensor


def _from_first(tensor: Tensor) -> Tensor:
    """What the first process has, in place."""
    try:
        dist.broadcast(tensor, 0)
    except RuntimeError as error:
        raise ProcessLost(f"A process of this training is gone: {error}") from error
    return tensor


def _parcels(gradients: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    some: list[Tensor] = []
    for each in gradients:
        if some and sum(one.numel() for one in some) + each.numel() > _SENT_AT_ONCE:
            yield some
            some = []
        some.append(each)
    if some:
        yield some


class _Gathered(torch.autograd.Function):
    """Each process's rows, as all rows; back goes the gradient of one's own, times the processes."""

    @staticmethod
    def forward(ctx: Any, mine: Tensor, place: slice, rows: int, processes: int) -> Tensor:
        ctx.place, ctx.processes = place, processes
        found = mine.new_zeros(rows, *mine.shape[1:])
        if found.numel():
            found[place] = mine
            _summed(found)
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return gradients[0][ctx.place] * ctx.processes, None, None, None


class _Summed(torch.autograd.Function):
    """A sum over all processes, forth and back."""

    @staticmethod
    def forward(ctx: Any, mine: Tensor) -> Tensor:
        return _summed(mine.clone())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _summed(gradients[0].contiguous().clone())


@contextmanager
def _as_a_whole(place: slice, rows: int) -> Iterator[None]:
    with _WholeMeans(place, rows), _WholeChance(place, rows):
        yield


class _WholeChance(TorchDispatchMode):
    """Dropout draws for the whole batch and keeps this process's part: the numbers that one process would draw.

    It is met below the layers, where attention draws, too.
    """

    def __init__(self, place: slice, rows: int) -> None:
        super().__init__()
        self._place, self._rows = place, rows

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten.bernoulli_.float:
            return self._drawn(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def _drawn(self, noise: Tensor, *given: Any, **more: Any) -> Tensor:
        mine = self._place.stop - self._place.start
        times, left = divmod(len(noise), mine) if noise.ndim else (0, 1)
        if left:  # no rows of a batch
            return noise.bernoulli_(*given, **more)
        # Some layers have several rows for each of the batch's, one after another.
        whole = noise.new_empty(self._rows * times, *noise.shape[1:]).bernoulli_(*given, **more)
        return noise.copy_(whole[self._place.start * times : self._place.stop * times])


class _WholeMeans(TorchFunctionMode):
    """Layers that normalise by a batch's mean and variance take those of the whole batch (Ioffe 2015)."""

    def __init__(self, place: slice, rows: int) -> None:
        super().__init__()
        self._place, self._rows = place, rows

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is functional.batch_norm:
            bound = inspect.signature(functional.batch_norm).bind(*args, **(kwargs or {}))
            bound.apply_defaults()
            if bound.arguments["training"]:
                return self._normed(**bound.arguments)
        return func(*args, **(kwargs or {}))

    def _normed(
        self,
        *,
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None,
        bias: Tensor | None,
        momentum: float,
        eps: float,
        training: bool,
    ) -> Tensor:
        axes = [axis for axis in range(input.ndim) if axis != 1]
        beside = [1, -1, *[1] * (input.ndim - 2)]
        mine = self._place.stop - self._place.start
        count = input.numel() // input.shape[1] // mine * self._rows
        exact = input.float()  # sums of thousands of values in bfloat16 would be anything
        mean = cast(Tensor, _Summed.apply(exact.sum(axes))) / count
        away = exact - mean.view(beside)
        variance = cast(Tensor, _Summed.apply(away.square().sum(axes))) / count
        if running_mean is not None and running_var is not None:
            with torch.no_grad():
                running_mean.lerp_(mean, momentum)
                running_var.lerp_(variance * (count / max(1, count - 1)), momentum)
        found = away * (variance + eps).rsqrt().view(beside)
        if weight is not None:
            found = found * weight.view(beside)
        return (found if bias is None else found + bias.view(beside)).to(input.dtype)


class Moment:
    """What a step changes before it is done, so that a step in which a process was lost leaves nothing behind."""

    def __init__(self, network: nn.Module) -> None:
        self._buffers = {name: each.clone() for name, each in network.named_buffers()}
        self._random = torch.get_rng_state()

    def put_back(self, network: nn.Module) -> None:
        for name, each in network.named_buffers():
            each.copy_(self._buffers[name])
        torch.set_rng_state(self._random)


@contextmanager
def joined(processes: int, loop: "Loop", *, resume: bool) -> Iterator[Alone]:
    """Start the other processes of a training whose loop stands at its beginning, or at its checkpoint.

    While it lasts, all are joined; afterwards the others are gone. Raises Unavailable, and says so, when one is lost,
    BadInput for a training of no job.
    """
    if processes == 1:
        yield Alone()
        return
    place, number = handed_over(loop.network, out=loop.out, resume=resume)
    others: list[subprocess.Popen[bytes]] = []
    try:
        others += (_started(rank, processes, place, number) for rank in range(1, processes))
        if any(cast(Any, each.stdout).readline() != READY for each in others):
            raise ProcessLost("A process of this training did not begin.")
        with met(0, processes, place / f"meeting-{number}") as crew:
            yield crew
    except ProcessLost as error:
        raise ProcessLost(_how(others, processes)) from error
    finally:
        for each in others:
            each.kill()
        for each in others:
            each.wait()
            for stream in (each.stdin, each.stdout):
                with contextlib.suppress(OSError):
                    cast(Any, stream).close()


def _started(rank: int, processes: int, place: Path, number: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-P", "-c", _OTHER, str(rank), str(processes), str(place), str(number)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def _how(others: Sequence["subprocess.Popen[bytes]"], processes: int) -> str:
    """How a process ended that is gone, in a sentence."""
    codes = []
    for each in others:
        with contextlib.suppress(subprocess.TimeoutExpired):
            codes.append(each.wait(_ENDS_WITHIN))
    killed = [-code for code in codes if code < 0]
    ended = f"was killed by {signal.Signals(killed[0]).name}" if killed else "ended"
    return f"One of the {processes} processes of this training {ended}. Its last checkpoint is kept to go on from."


@contextmanager
def met(rank: int, processes: int, meeting: Path) -> Iterator[Crew]:
    """This process among all of a training, which meet by a file; while it lasts, they are joined."""
    chosen = os.environ.get(_INTERFACE)
    os.environ[_INTERFACE] = chosen or _LOOPBACK  # what is learnt from never leaves the machine
    try:
        where = f"file://{meeting}"
        dist.init_process_group(backends(), init_method=where, rank=rank, world_size=processes, timeout=_PATIENCE)
    except RuntimeError as error:
        raise ProcessLost(f"The processes of this training do not reach each other: {error}") from error
    finally:
        if not chosen:
            del os.environ[_INTERFACE]
    try:
        yield Crew(rank, processes)
    finally:
        dist.destroy_process_group()
