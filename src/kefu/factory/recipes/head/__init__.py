"""Learn now: a frozen sentence encoder and logistic regression on its vectors. No torch; seconds."""
