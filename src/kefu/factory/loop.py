"""The one loop that every torch recipe trains with. What differs between recipes is their lesson."""

import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self

import torch
from pydantic import Field, field_validator, model_validator
from torch import Tensor

from kefu.contracts.job import Tell, Told
from kefu.factory import checkpoints, helping
from kefu.factory.batches import Batches
from kefu.factory.checkpoints import Place, Run
from kefu.factory.devices import CPU, given_by, has_bfloat16, training_device
from kefu.factory.losses import absolute_weights
from kefu.factory.network import TextNetwork
from kefu.factory.options import RecipeOptions
from kefu.factory.parallel import Alone, Moment, ProcessLost, joined
from kefu.factory.schedule import OptimizerName, Schedule, ScheduleName, make_optimizer


class LoopOptions(RecipeOptions):
    """Options of the loop: every torch recipe takes them."""

    base_model: str = Field(default="", description="package:NAME or path:DIR; empty chooses by the texts' language")
    learning_rate: float = Field(default=1e-4, gt=0, lt=1, description="the body's highest learning rate")
    head_learning_rate: float = Field(default=1e-3, gt=0, lt=10, description="the head's highest learning rate")
    num_train_epochs: int = Field(default=5, ge=1, le=1000, description="how often every text is seen")
    min_steps: int = Field(default=20, ge=0, description="the fewest steps; few texts are seen more often for it")
    processes: int = Field(default=1, ge=1, le=64, description="processes that share each batch")
    per_device_train_batch_size: int = Field(default=32, ge=1, le=4096, description="texts of one batch")
    gradient_accumulation_steps: int = Field(default=1, ge=1, le=1024, description="batches of one step")
    max_grad_norm: float = Field(default=1.0, ge=0, description="gradients are clipped to this norm; 0 for never")
    optim: OptimizerName = Field(default="adamw", description="adamw, adam or sgd")
    lr_scheduler_type: ScheduleName = Field(default="linear", description="linear, cosine or constant")
    warmup_ratio: float = Field(default=0.1, ge=0, lt=1, description="the share of steps in which the rate goes up")
    weight_decay: float = Field(default=0.01, ge=0, description="decoupled in adamw, L2 in adam and sgd")
    l1: float = Field(default=0.0, ge=0, description="the weight of the sum of the weights' absolute values")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="the share of values left out in training")
    adversarial_epsilon: float = Field(default=0.0, ge=0, description="how far FGM moves the word table; 0 for off")
    freeze_embeddings: bool = Field(default=False, description="whether the word table stays as it is")
    freeze_layers: int = Field(default=0, ge=0, le=100, description="the lowest layers that stay as they are")
    # "auto" becomes what the processor has, so that the card says what was used.
    bf16: bool = Field(default="auto", validate_default=True, description="bfloat16 for matrix products, or auto")
    max_tokens: int = Field(default=64, ge=4, le=512, description="longer texts are cut")
    early_stopping_patience: int = Field(default=0, ge=0, description="epochs without gain before stopping; 0 for off")
    logging_steps: int = Field(default=10, ge=1, description="steps between two that are told")
    save_steps: int = Field(default=0, ge=0, description="steps between two checkpoints; 0 for by time alone")
    save_seconds: float = Field(default=120.0, gt=0, description="seconds between two checkpoints")

    @field_validator("bf16", mode="before")
    @classmethod
    def _resolve_bf16(cls, given: object) -> object:
        return has_bfloat16() if given == "auto" else given

    @model_validator(mode="after")
    def _check_adversary(self) -> Self:
        if self.adversarial_epsilon and (self.freeze_embeddings or self.freeze_layers):
            raise ValueError(
                "adversarial training moves the word table, so freeze_embeddings and freeze_layers are off"
            )
        return self


class Lesson(Protocol):
    """What is learnt: the batches, what the network is shown of them, and the loss."""

    def batches(self, epoch: int) -> Batches:
        """An epoch's batches of row numbers, the same whenever they are asked for; each epoch has as many."""

    def inputs(self, rows: list[int]) -> tuple[Tensor, Tensor]:
        """What the network takes for these rows: token ids and mask [rows, tokens], or pictures and nothing."""

    def loss(self, logits: Tensor, vectors: Tensor, rows: list[int]) -> Tensor:
        """What is made small, for the network's output on these rows."""

    def judge(self, network: TextNetwork) -> Mapping[str, float]:
        """Metrics on the validation data; the first is what early stopping watches, more being better."""


@dataclass(frozen=True)
class Fitted:
    """How a training went. `seconds` are of this process; a resumed run counts its own only."""

    steps: int
    epochs: int
    seconds: float
    samples_per_second: float
    metrics: Mapping[str, float]


def fit(
    network: TextNetwork,
    lesson: Lesson,
    options: LoopOptions,
    *,
    out: Path,
    tell: Tell,
    started_with: Mapping[str, Any],
    resume: bool = False,
) -> Fitted:
    """Train a network; it holds the last weights afterwards, or the best with early stopping.

    SIGTERM and Ctrl-C end the run after the step in work: a checkpoint is written and KeyboardInterrupt raised. With
    `resume` the run goes on from the checkpoint in `out`, on the CPU to the very same weights. Raises BadInput when
    there is none, or it was `started_with` something else; ProcessLost, after a checkpoint, when one of several
    processes is gone.
    """

    def begun(rank: int, place: Path) -> Loop:
        return Loop(network, lesson, options, out=place, tell=tell, started_with=started_with, rank=rank)

    other = helping.helper()
    if other is not None and options.processes > 1:
        return Fitted(**other.train(network, begun))
    loop = begun(0, out)
    if resume:
        loop.resume()
    with joined(options.processes, loop, resume=resume) as crew:
        fitted = loop.run(crew)
    if options.processes > 1:
        helping.trained(network, asdict(fitted))
    return fitted


class Loop:
    """One training in progress."""

    def __init__(
        self,
        network: TextNetwork,
        lesson: Lesson,
        options: LoopOptions,
        *,
        out: Path,
        tell: Tell,
        started_with: Mapping[str, Any],
        rank: int = 0,
    ) -> None:
        self._network, self._lesson, self._options = network, lesson, options
        self._out, self._tell = out, tell
        network.to(training_device(rank, options.processes))  # before an optimiser remembers anything of its weights
        network.freeze(word_table=options.freeze_embeddings, layers=options.freeze_layers)
        optimizer = make_optimizer(
            options.optim,
            network,
            learning_rate=options.learning_rate,
            head_learning_rate=options.head_learning_rate,
            weight_decay=options.weight_decay,
        )
        an_epoch = math.ceil(len(lesson.batches(0)) / options.gradient_accumulation_steps)
        self._epochs = max(options.num_train_epochs, math.ceil(options.min_steps / an_epoch))
        self._total = an_epoch * self._epochs
        network.planned(self._total)
        warmup = round(options.warmup_ratio * self._total)
        self._schedule = Schedule(options.lr_scheduler_type, optimizer, steps=self._total, warmup=warmup)
        self._run = Run(Place(), started_with, network, optimizer)
        self._learning = [weight for weight in network.parameters() if weight.requires_grad]
        self._crew = Alone()
        self._saved_at = time.monotonic()
        self._seen = 0

    @property
    def network(self) -> TextNetwork:
        return self._network

    @property
    def out(self) -> Path:
        """Where its checkpoints lie."""
        return self._out

    def resume(self) -> None:
        """Go on from the checkpoint."""
        place, best = checkpoints.restore(self._out, self._run)
        self._run = replace(self._run, place=place, best=best)
        self._tell(Told.NOTE, {"sentence": f"Going on from step {place.step} of {self._total}."})

    def run(self, crew: Alone) -> Fitted:
        """Train to the end, with the other processes of a crew if there are any."""
        self._crew = crew
        place, options = self._run.place, self._options
        metrics: Mapping[str, float] = {}
        began, learnt = time.monotonic(), 0.0
        with _stop_requests() as stop, self._saving_what_was_reached():
            while place.epoch < self._epochs and not (0 < options.early_stopping_patience <= place.waited):
                epoch_began = time.monotonic()
                self._epoch(stop)
                learnt += time.monotonic() - epoch_began
                metrics = self._judge()
                place.epoch, place.within = place.epoch + 1, 0
                self._stop_if(stop)
        if self._run.best is not None:
            self._network.put_back(self._run.best)
        self._network.to(CPU).eval()
        return Fitted(place.step, place.epoch, time.monotonic() - began, self._seen / max(learnt, 1e-9), metrics)

    def _epoch(self, stop: threading.Event) -> None:
        place, size = self._run.place, self._options.gradient_accumulation_steps
        batches = self._lesson.batches(place.epoch)
        steps = [batches[at : at + size] for at in range(0, len(batches), size)]
        self._network.train()
        for step in steps[place.within :]:
            self._step(step)
            self._stop_if(stop)
            self._save_if_due()

    def _gradients(self, batches: Batches) -> list[Tensor]:
        """Gradients of all processes together; gives each batch's loss."""
        if self._crew.processes == 1:
            return [self._backward(rows, 1 / len(batches)) for rows in batches]
        before = Moment(self._network)
        try:
            losses = [self._backward(rows, 1 / len(batches)) for rows in batches]
            self._crew.average(self._learning)
        except ProcessLost:
            before.put_back(self._network)
            raise
        return losses

    def _step(self, batches: Batches) -> None:
        """One step of the optimiser over its batches."""
        place, options, optimizer = self._run.place, self._options, self._run.optimizer
        rate = self._schedule.set(place.step)
        losses = self._gradients(batches)
        if options.max_grad_norm:
            torch.nn.utils.clip_grad_norm_(self._learning, options.max_grad_norm)
        optimizer.step()
        place.step, place.within = place.step + 1, place.within + 1
        self._network.stepped(place.step)
        optimizer.zero_grad()
        self._seen += sum(len(rows) for rows in batches)
        if place.step % options.logging_steps == 0:
            loss = float(torch.stack(losses).mean())
            self._tell(Told.STEP, {"step": place.step, "loss": round(loss, 5), "learning_rate": rate})
            self._tell(Told.PROGRESS, {"done": place.step, "total": self._total, "unit": "steps"})

    def _backward(self, rows: list[int], share: float) -> Tensor:
        """Add the gradients of a batch and give its loss."""
        ids, mask = self._lesson.inputs(rows)
        with self._crew.sharing(len(ids)):
            loss = self._loss(ids, mask, rows)
            (loss * share).backward()
            if self._options.adversarial_epsilon:
                table = self._network.word_table()
                gradient = table.grad if table.grad is None else self._crew.averaged(table.grad)
                with _moved(table, gradient, self._options.adversarial_epsilon):
                    (self._loss(ids, mask, rows) * share).backward()
        return loss.detach()

    def _loss(self, ids: Tensor, mask: Tensor, rows: list[int]) -> Tensor:
        crew, count = self._crew, len(ids)
        mine = crew.part(count)
        logits, vectors = given_by(self._network, ids[mine], mask[mine], bf16=self._options.bf16)
        loss = self._lesson.loss(crew.whole(logits, count), crew.whole(vectors, count), rows)
        if (penalty := self._network.penalty()) is not None:
            loss = loss + penalty.to(CPU)
        return loss + self._options.l1 * absolute_weights(self._network).to(CPU) if self._options.l1 else loss

    def _judge(self) -> Mapping[str, float]:
        place = self._run.place
        metrics = self._crew.judged(self._lesson.judge(self._network) if self._crew.is_first else None)
        self._tell(Told.EPOCH, {"epoch": place.epoch + 1, **{name: round(each, 5) for name, each in metrics.items()}})
        watched = next(iter(metrics.values()), None)
        if self._options.early_stopping_patience and watched is not None:
            self._watch(watched)
        return metrics

    def _watch(self, value: float) -> None:
        place = self._run.place
        place.waited += 1
        if place.best is None or value > place.best:
            place.best, place.waited = value, 0
            weights = {name: each.detach().clone() for name, each in self._network.weights().items()}
            self._run = replace(self._run, best=weights)

    def _stop_if(self, stop: threading.Event) -> None:
        if self._crew.agreed(stop.is_set()):
            self._save_first()
            raise KeyboardInterrupt

    def _save_if_due(self) -> None:
        if not self._crew.is_first:
            return
        every, step = self._options.save_steps, self._run.place.step
        by_steps = bool(every) and step % every == 0
        if by_steps or time.monotonic() - self._saved_at >= self._options.save_seconds:
            self._save()

    @contextmanager
    def _saving_what_was_reached(self) -> Iterator[None]:
        """Each process has all that was learnt, so that one which is lost takes nothing with it."""
        try:
            yield
        except ProcessLost:
            self._save_first()
            raise

    def _save_first(self) -> None:
        if self._crew.is_first:
            self._save()

    def _save(self) -> None:
        checkpoints.save(self._out, self._run)
        self._saved_at = time.monotonic()
        self._tell(Told.CHECKPOINT, {"step": self._run.place.step})


@contextmanager
def _moved(table: Tensor, gradient: Tensor | None, epsilon: float) -> Iterator[None]:
    """Move the word table along its gradient while the block runs: the fast gradient method (Miyato 2017)."""
    if gradient is None or not float(norm := gradient.norm()):
        yield
        return
    before = table.detach().clone()
    with torch.no_grad():
        table.add_(gradient, alpha=epsilon / float(norm))
    yield
    with torch.no_grad():
        table.copy_(before)  # subtracting again would leave what rounding took


@contextmanager
def _stop_requests() -> Iterator[threading.Event]:
    """An event that SIGTERM or Ctrl-C sets; the second one interrupts at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # only there may handlers be set
        yield asked
        return

    def ask(number: int, frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
