"""The model factory: from labelled text to a model that answers live. A program of its own; torch lives here."""
