"""Rebuild e5-small-zh-en from its pinned source, as finetune_e5.py taught it: run that first."""

from encoders import load_taught
from export import export_encoder

if __name__ == "__main__":
    print(export_encoder("e5-small-zh-en", load_taught("e5-small-zh-en")))
