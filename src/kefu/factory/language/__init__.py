"""Language itself: encoders and generators learn how a company writes, and generators learn to answer."""
