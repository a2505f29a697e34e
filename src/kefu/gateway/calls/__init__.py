"""Live calls: sound comes in, what is said becomes messages, and what is answered is spoken while it is written."""
