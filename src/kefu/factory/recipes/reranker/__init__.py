"""A network reads a question with each passage that search found, and puts them in order."""
