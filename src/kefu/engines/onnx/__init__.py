"""Sentence encoders as ONNX files, run in this process by onnxruntime."""
