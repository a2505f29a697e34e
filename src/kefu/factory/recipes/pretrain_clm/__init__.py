"""A generator reads a company's own texts and learns to go on with them."""
