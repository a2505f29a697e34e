"""An encoder reads a company's own texts and learns to fill the gaps in them."""
