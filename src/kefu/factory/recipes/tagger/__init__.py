"""Every weight of an encoder learns which words of a text are which slot. Minutes on a processor."""
