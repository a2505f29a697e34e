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

__all__ = [
    "SECRETS",
    "AssistantInfo",
    "EncoderChoice",
    "assistant",
    "encoder_choice",
    "for_workspace",
    "generator_options",
    "policy_of",
    "shown_encoders",
    "shown_options",
    "stored_policy",
]
