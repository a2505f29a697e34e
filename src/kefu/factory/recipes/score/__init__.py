"""A number from a text, such as the mood from -1 to 1."""
