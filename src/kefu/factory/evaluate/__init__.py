"""Judging a model: on its own, part by part, against the linear floor and against other models."""
