"""Text to speech: an English and a Mandarin voice, run in this process by onnxruntime."""
