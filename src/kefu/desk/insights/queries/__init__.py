"""Reads of figures: reports, live figures, settings."""
