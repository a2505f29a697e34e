"""The demo workspace's model of intents: learnt from the demo's own texts when the demo is first started."""

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import kefu
from kefu.contracts.dataset import Dataset, Example
from kefu.contracts.job import Job, Recipe, Tell, Told
from kefu.desk.actor import Actor
from kefu.desk.assistants import actions as assistants_actions
from kefu.desk.assistants import queries as assistants
from kefu.desk.library.due import Progress
from kefu.desk.modelhub import actions as modelhub_actions
from kefu.desk.modelhub import queries as modelhub
from kefu.kit import registry
from kefu.kit.errors import KefuError
from kefu.kit.log import Log
from kefu.knowledge.labels import dataset_of, read

FOLDER = Path(kefu.__file__).parent / "demo/intents"
NAME = "What customers want"
# Who wants a person, or complains, gets one.
RULES = {"talk_to_person": "hand_over", "complaint": "hand_over"}
LANGUAGES = ("en", "zh")
# One text in so many is kept apart for temperature and scope; the fifth of each ten, so that every intent has some.
_APART, _FIRST_APART = 10, 4

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
    """Learn the demo's intents of both languages into a folder."""
    data = [each for language in LANGUAGES for each in read(FOLDER / f"{language}.csv").examples]
    apart = data[_FIRST_APART::_APART]
    kept = {id(each) for each in apart}
    # Nobody is served yet: all processors may help, though past four they only wait for one another.
    threads = min(4, os.cpu_count() or 1)
    recipe = registry.load("recipes", "head", Recipe)({"seed": 0, "threads": threads, "licence": "Apache-2.0"})
    job = Job("train", out=str(folder), recipe="head")
    recipe.train(job, _dataset(each for each in data if id(each) not in kept), _dataset(apart), _teller(progress))


def _dataset(examples: Iterable[Example]) -> Dataset:
    return dataset_of(examples, mapping={"text": "text", "label": "label"}, format="csv")


def _teller(progress: Progress | None) -> Tell:
    def tell(told: Told, fields: Mapping[str, Any]) -> None:
        if told is Told.PROGRESS and progress is not None:
            progress("intents", int(fields["done"]), int(fields["total"]))

    return tell
