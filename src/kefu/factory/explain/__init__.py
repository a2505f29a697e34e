"""Why a model said what it said: which words of a text told it, by several methods, and whether they really did."""
