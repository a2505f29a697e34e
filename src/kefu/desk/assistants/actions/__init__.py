"""Writes of assistants, one file for each noun."""

from kefu.desk.assistants.actions.assistants import (
    checked_policy,
    choose_encoder,
    encoder_options,
    merged_options,
    set_generator,
    set_up,
)
from kefu.desk.assistants.actions.tools import (
    ImportedTools,
    import_tools,
    make_tool,
    remove_tool,
    save_tool,
    trial_credentials,
)

__all__ = [
    "ImportedTools",
    "checked_policy",
    "choose_encoder",
    "encoder_options",
    "import_tools",
    "make_tool",
    "merged_options",
    "remove_tool",
    "save_tool",
    "set_generator",
    "set_up",
    "trial_credentials",
]
