"""Teaching search: what a question should be near to, and what only looks like it."""
