"""The floor: TF-IDF of words and letters, and a linear classifier. No torch, no encoder; seconds."""
