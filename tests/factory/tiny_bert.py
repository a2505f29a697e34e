"""A BertModel of two layers with a word tokenizer of its own, as a Hugging-Face-style folder; random but seeded."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

TOPICS = {
    "parcel": ("parcel", "courier", "delivery", "tracking", "package", "shipped"),
    "refund": ("refund", "money", "back", "return", "repay", "reimburse"),
    "login": ("password", "login", "account", "reset", "email", "code"),
}
FILLER = ("please", "help", "my", "the", "where", "is", "what", "about", "now", "today")
CHINESE = "这家酒店很好早餐不错房间脏服务差价格太贵了物流快包装破损客服慢"
NUMBERS = 40


def make(folder: Path) -> Path:
    """Write config.json, model.safetensors and tokenizer.json, and give the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    words = sorted({*FILLER, *(word for topic in TOPICS.values() for word in topic), *map(str, range(NUMBERS))})
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words, *sorted(set(CHINESE))]
    tokenizer = Tokenizer(models.WordLevel({name: place for place, name in enumerate(names)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    config = BertConfig(
        vocab_size=len(names),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        pad_token_id=0,
    )
    torch.manual_seed(7)
    bert = BertModel(config, add_pooling_layer=False)
    save_file(
        {f"bert.{name}": each.contiguous() for name, each in bert.state_dict().items()}, folder / "model.safetensors"
    )
    (folder / "config.json").write_text(json.dumps(config.to_dict()), encoding="utf-8")
    return folder
