"""Generators behind any server that speaks the OpenAI protocol: vLLM, llama.cpp, Ollama, a vendor."""
