"""A company's flows: read and checked (`check_flow`), started (`which_starts`, `begin`), and gone on with (`go_on`)."""

from kefu.brain.flow.engine import begin, go_on
from kefu.brain.flow.graph import Edge, Node, Picture, picture
from kefu.brain.flow.loading import BadFlow, Checked, check_flow, load_flow
from kefu.brain.flow.samples import sample_values
from kefu.brain.flow.schema import flow_schema
from kefu.brain.flow.shelf import Shelf
from kefu.brain.flow.starting import Starting, which_starts
from kefu.brain.flow.writing import dump_flow, flow_table

__all__ = [
    "BadFlow",
    "Checked",
    "Edge",
    "Node",
    "Picture",
    "Shelf",
    "Starting",
    "begin",
    "check_flow",
    "dump_flow",
    "flow_schema",
    "flow_table",
    "go_on",
    "load_flow",
    "picture",
    "sample_values",
    "which_starts",
]
