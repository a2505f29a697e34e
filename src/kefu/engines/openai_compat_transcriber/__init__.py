"""Recognisers behind any server that speaks the OpenAI protocol."""
