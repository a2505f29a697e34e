"""Finds slots in texts with a model of the factory."""
