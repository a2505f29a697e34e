"""The data bench: reading, checking, cleaning, splitting, augmenting and keeping labelled data."""
