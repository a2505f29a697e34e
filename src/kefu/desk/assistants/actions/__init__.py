"""Writes of assistants, one file for each noun."""

from kefu.desk.assistants.actions.assistants import (
    checked_policy,
    choose_encoder,
    encoder_options,
    merged_options,
    set_generator,
    set_up,
)

__all__ = [
    "checked_policy",
    "choose_encoder",
    "encoder_options",
    "merged_options",
    "set_generator",
    "set_up",
]
