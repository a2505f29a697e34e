"""Rebuild minilm-en from its pinned source, as finetune.py taught it: python finetune.py --data FOLDER first."""

from encoders import FINETUNED, load_minilm
from export import export_encoder

if __name__ == "__main__":
    if not FINETUNED.exists():
        raise SystemExit("Run finetune.py --data FOLDER first: the shipped encoder is the taught one.")
    print(export_encoder("minilm-en", load_minilm()))
