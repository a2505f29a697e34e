"""What the apps of the members' door share: who is at it, how errors look."""
