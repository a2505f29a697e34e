"""Files of labelled texts: read from every common form, named row by row where they are wrong, written, hashed."""

from kefu.knowledge.labels.content import OUT_OF_SCOPE, canonical_lines, content_hash, dataset_of, write
from kefu.knowledge.labels.read import BadRows, read, read_bytes

__all__ = [
    "OUT_OF_SCOPE",
    "BadRows",
    "canonical_lines",
    "content_hash",
    "dataset_of",
    "read",
    "read_bytes",
    "write",
]
