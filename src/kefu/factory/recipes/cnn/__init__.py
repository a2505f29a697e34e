"""Pictures told apart by a small convolutional network, from 28 x 28 grey to 224 x 224 in colour."""
