"""Slots in texts: what a labelled row says, the BIO tags of its pieces, and the best tagging of a text.

Shared by the factory, which teaches taggers, and the engine, which serves them.
"""
