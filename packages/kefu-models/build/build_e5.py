"""Rebuild e5-small-zh-en from its pinned source: python build_e5.py"""

from encoders import load_e5
from export import export_encoder

if __name__ == "__main__":
    print(export_encoder("e5-small-zh-en", load_e5()))
