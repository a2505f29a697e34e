"""The demo: a shop that does not exist, its help pages, its flows, and the systems that they call."""
