"""Slots told from words and their neighbours: the floor of taggers. Seconds, no torch."""
