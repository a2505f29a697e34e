"""A small network learns to answer as larger ones do, also from texts that nobody labelled."""
