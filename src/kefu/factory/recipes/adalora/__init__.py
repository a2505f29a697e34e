"""As `lora`, but each matrix's rank is found while training: what matters keeps it."""
