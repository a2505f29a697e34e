"""Requests and responses, one file for each noun."""
