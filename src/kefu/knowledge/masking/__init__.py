"""Finds and masks personal data in customers' messages, English and Chinese, by rule and without any model."""

from kefu.knowledge.masking.entity import FAMILIES, Entity
from kefu.knowledge.masking.find import find
from kefu.knowledge.masking.placeholders import Masked, mask, mask_whole, unmask
from kefu.knowledge.masking.values import mask_value, unmask_value

__all__ = ["FAMILIES", "Entity", "Masked", "find", "mask", "mask_value", "mask_whole", "unmask", "unmask_value"]
