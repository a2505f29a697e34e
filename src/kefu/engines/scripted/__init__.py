"""A generator that says what a script tells it: for tests and for trying a configuration without a model."""
