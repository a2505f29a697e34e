"""Reading labelled files. The code is in `knowledge.labels`, where the desk can use it for uploads too."""

from kefu.knowledge.labels import (
    OUT_OF_SCOPE,
    BadRows,
    canonical_lines,
    content_hash,
    dataset_of,
    read,
    read_bytes,
    write,
)

__all__ = ["OUT_OF_SCOPE", "BadRows", "canonical_lines", "content_hash", "dataset_of", "read", "read_bytes", "write"]
