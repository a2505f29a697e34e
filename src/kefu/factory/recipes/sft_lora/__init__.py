"""A small language model learns to answer as chats show it."""
