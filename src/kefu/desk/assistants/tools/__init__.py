"""Tools: what they are, how a request is made of them, what its answer means, where they are imported from."""
