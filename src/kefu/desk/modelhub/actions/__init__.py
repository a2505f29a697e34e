"""Writes of datasets, runs, models and versions."""

from kefu.desk.modelhub.actions.benches import explain, select, trial, tune
from kefu.desk.modelhub.actions.data import add_dataset, add_version, change_rows, keep_gathered, remove_dataset
from kefu.desk.modelhub.actions.erasing import erase_everything
from kefu.desk.modelhub.actions.forgetting import forget_contact
from kefu.desk.modelhub.actions.registry import (
    GateRefused,
    Registered,
    change_model,
    make_model,
    promote,
    register_folder,
    remove_model,
    remove_version,
    roll_back,
)
from kefu.desk.modelhub.actions.training import cancel, check, clean, compress, judge, remove_run, resume, split, train

__all__ = [
    "GateRefused",
    "Registered",
    "add_dataset",
    "add_version",
    "cancel",
    "change_model",
    "change_rows",
    "check",
    "clean",
    "compress",
    "erase_everything",
    "explain",
    "forget_contact",
    "judge",
    "keep_gathered",
    "make_model",
    "promote",
    "register_folder",
    "remove_dataset",
    "remove_model",
    "remove_run",
    "remove_version",
    "resume",
    "roll_back",
    "select",
    "split",
    "train",
    "trial",
    "tune",
]
