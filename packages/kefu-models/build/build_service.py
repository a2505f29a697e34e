"""Rebuild minilm-service-en from its pinned source, as finetune_service.py taught it: run that first."""

from encoders import load_taught
from export import export_encoder

if __name__ == "__main__":
    print(export_encoder("minilm-service-en", load_taught("minilm-service-en")))
