"""The whole network learns: the best accuracy where there are many examples. Minutes on a processor."""
