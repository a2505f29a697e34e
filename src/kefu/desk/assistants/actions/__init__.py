"""Writes of assistants, one file for each noun."""

from kefu.desk.assistants.actions.assistants import (
    checked_policy,
    choose_encoder,
    encoder_options,
    merged_options,
    set_generator,
    set_up,
)
from kefu.desk.assistants.actions.flows import (
    SuiteFailed,
    make_flow,
    pause_flow,
    publish_flow,
    remove_flow,
    remove_suite_file,
    require_passing,
    resume_flow,
    roll_back_flow,
    run_workspace_tests,
    save_flow,
    save_suite_file,
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
    "SuiteFailed",
    "checked_policy",
    "choose_encoder",
    "encoder_options",
    "import_tools",
    "make_flow",
    "make_tool",
    "merged_options",
    "pause_flow",
    "publish_flow",
    "remove_flow",
    "remove_suite_file",
    "remove_tool",
    "require_passing",
    "resume_flow",
    "roll_back_flow",
    "run_workspace_tests",
    "save_flow",
    "save_suite_file",
    "save_tool",
    "set_generator",
    "set_up",
    "trial_credentials",
]
