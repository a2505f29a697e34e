"""The demo workspace's model of intents: learnt from the demo's own texts when the demo is first started."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import kefu
from kefu.contracts.job import Job, Told
from kefu.demo import INTENT_HEAD
from kefu.desk.actor import Actor
from kefu.desk.assistants import actions as assistants_actions
from kefu.desk.assistants import queries as assistants
from kefu.desk.library.due import Progress
from kefu.desk.modelhub import actions as modelhub_actions
from kefu.desk.modelhub import queries as modelhub
from kefu.jobs.embedded import EmbeddedRunner
from kefu.jobs.runner import End, JobEvent, end_of
from kefu.kit.errors import BadInput, KefuError
from kefu.kit.log import Log
from kefu.knowledge.labels import dataset_of, read, write

FOLDER = Path(kefu.__file__).parent / "demo/intents"
NAME = "What customers want"
# Who wants a person, or complains, gets one.
RULES = {"talk_to_person": "hand_over", "complaint": "hand_over"}
LANGUAGES = ("en", "zh")
# One text in so many is kept apart for temperature and scope; the fifth of each ten, so that every intent has some.
_APART, _FIRST_APART = 10, 4
# How often the training is asked how far it is; a bar need not move faster.
_LOOK_EVERY = 0.5

_log = Log(__name__)


def learn_intents(actor: Actor, progress: Progress | None = None) -> None:
    """Give the demo its rules and its model, where they are missing; stopped half-way, the next call goes on.

    Answers are given without them, too, so that a model which cannot be made stops no start.
    """
    if "intent_rules" not in assistants.stored_policy(actor.workspace_id)[0]:
        assistants_actions.set_up(actor, policy={"intent_rules": dict(RULES)})
    made = [model for model in modelhub.models(actor) if model.champion is not None]
    if any(model.role == "intent" or model.name == NAME for model in made):
        return
    try:
        with tempfile.TemporaryDirectory(prefix="kefu-intents-") as place:
            folder = Path(place) / "intents"
            train(folder, progress)
            modelhub_actions.register_folder(
                actor, name=NAME, folder=folder, role="intent", note="Learnt from the demo's texts", go_live=True
            )
    except KefuError as error:
        _log.warning("demo_intents_not_learnt", workspace=actor.workspace_id, reason=error.sentence)


def train(folder: Path, progress: Progress | None = None) -> None:
    """Learn the demo's intents of both languages into a folder, in a process of its own.

    It takes more memory than serving does, and this process would keep it. Raises BadInput.
    """
    work = folder.parent
    data = [each for language in LANGUAGES for each in read(FOLDER / f"{language}.csv").examples]
    apart = data[_FIRST_APART::_APART]
    kept = {id(each) for each in apart}
    files = {"data": [each for each in data if id(each) not in kept], "valid": apart}
    for name, examples in files.items():
        write(dataset_of(examples, mapping={"text": "text", "label": "label"}, format="csv"), work / f"{name}.csv")
    # Nobody is served yet: all processors may help, though past four they only wait for one another.
    threads = min(4, os.cpu_count() or 1)
    options = {"seed": 0, "threads": threads, "licence": "Apache-2.0", **INTENT_HEAD}
    places = {name: str(work / f"{name}.csv") for name in files}
    job = Job("train", str(folder), "head", data=places["data"], valid=places["valid"], options=options)
    _run(job, work / "job", threads, progress)


def _run(job: Job, folder: Path, threads: int, progress: Progress | None) -> None:
    """Run a job to its end; one that is left half-way, by Ctrl-C or an error of ours, is ended."""
    runner = EmbeddedRunner(threads=threads)
    runner.start(job, folder)
    position, is_running, told = 0, True, End.INTERRUPTED
    try:
        while is_running:
            runner.wait(folder, _LOOK_EVERY)
            look = runner.look(folder, position)
            position, is_running = look.position, look.is_running
            told = end_of(look.events) if look.events else told
            _pass_on(look.events, progress)
    finally:
        if is_running:
            runner.stop(folder, at_once=True)
    if told is not End.FINISHED:
        raise BadInput(f"The demo's intents could not be learnt: the training ended as {told}.")


def _pass_on(events: Iterable[JobEvent], progress: Progress | None) -> None:
    for event in events:
        if event.told is Told.PROGRESS and progress is not None:
            progress("intents", int(event.fields["done"]), int(event.fields["total"]))
