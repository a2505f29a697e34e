"""Live calls: a customer who speaks with the assistant, and with a member who answers."""
