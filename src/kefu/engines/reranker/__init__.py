"""Rerankers of the factory, served without torch."""
