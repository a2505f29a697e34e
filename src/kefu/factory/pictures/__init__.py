"""Pictures as a network learns them: the network, what is done to a picture before it is shown, and its files."""
