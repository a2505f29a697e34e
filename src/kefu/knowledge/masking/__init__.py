"""Finds and masks personal data in customers' messages, English and Chinese, by rule and without any model."""

from kefu.knowledge.masking.entity import FAMILIES, Entity
from kefu.knowledge.masking.find import find
from kefu.knowledge.masking.placeholders import Masked, mask, unmask

__all__ = ["FAMILIES", "Entity", "Masked", "find", "mask", "unmask"]
