"""A few vectors before the text learn; the encoder stays as it is."""
