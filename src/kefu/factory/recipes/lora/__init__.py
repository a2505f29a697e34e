"""Low-rank matrices learn beside the encoder's own and are merged into them: nothing to pay when served."""
