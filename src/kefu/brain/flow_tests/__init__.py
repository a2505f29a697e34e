"""Tests of what an assistant does: conversations with expectations, run without a server (`kefu.flow-test/v1`).

Pure but for what the caller hands in to answer from knowledge and to understand messages. The desk runs a workspace's
tests before a flow, knowledge or a model goes live; `kefu test` runs them in a folder.
"""

from kefu.brain.flow_tests.judge import Seen
from kefu.brain.flow_tests.read import BadTests, read_tests
from kefu.brain.flow_tests.report import CaseResult, Coverage, Failure, SuiteReport
from kefu.brain.flow_tests.run import Conversation, run_suite
from kefu.brain.flow_tests.shapes import Answer, Answered, Case, Expect, Heard, TestFile, ToolSample, Turn, sample_for
from kefu.brain.flow_tests.talk import on_shelf

__all__ = [
    "Answer",
    "Answered",
    "BadTests",
    "Case",
    "CaseResult",
    "Conversation",
    "Coverage",
    "Expect",
    "Failure",
    "Heard",
    "Seen",
    "SuiteReport",
    "TestFile",
    "ToolSample",
    "Turn",
    "on_shelf",
    "read_tests",
    "run_suite",
    "sample_for",
]
