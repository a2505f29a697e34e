"""A workspace's own models: the data they learn from, the runs that make them, the versions that go live."""
