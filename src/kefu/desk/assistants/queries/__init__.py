"""Reads of assistants, one file for each noun."""

from kefu.desk.assistants.queries.assistants import (
    SECRETS,
    AssistantInfo,
    EncoderChoice,
    assistant,
    encoder_choice,
    for_workspace,
    generator_options,
    policy_of,
    shown_encoders,
    shown_options,
    stored_policy,
)
from kefu.desk.assistants.queries.tools import (
    ToolCallInfo,
    ToolInfo,
    tool,
    tool_calls,
    tool_names,
    tool_specs,
    tools,
)

__all__ = [
    "SECRETS",
    "AssistantInfo",
    "EncoderChoice",
    "ToolCallInfo",
    "ToolInfo",
    "assistant",
    "encoder_choice",
    "for_workspace",
    "generator_options",
    "policy_of",
    "shown_encoders",
    "shown_options",
    "stored_policy",
    "tool",
    "tool_calls",
    "tool_names",
    "tool_specs",
    "tools",
]
