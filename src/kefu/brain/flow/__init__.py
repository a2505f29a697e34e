"""A company's flows: read and checked (`check_flow`), started (`which_starts`, `begin`), and gone on with (`go_on`)."""

from kefu.brain.flow.engine import begin, go_on
from kefu.brain.flow.shelf import Shelf
from kefu.brain.flow.starting import Starting, which_starts

__all__ = ["Shelf", "Starting", "begin", "go_on", "which_starts"]
