"""Any system as a channel: signed messages in, signed replies out."""
