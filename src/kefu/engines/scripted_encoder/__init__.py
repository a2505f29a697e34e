"""An encoder that counts letters: for tests and for trying a configuration without a model."""
