"""A narrow detour after each layer learns; the encoder stays as it is."""
