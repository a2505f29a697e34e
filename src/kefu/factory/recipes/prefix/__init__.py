"""Keys and values before each layer's own learn; the encoder stays as it is."""
