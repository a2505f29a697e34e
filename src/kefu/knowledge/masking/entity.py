"""What a finder reports, and which placeholder family each kind belongs to."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entity:
    """One piece of personal data: character offsets `[start, end)` in the message, its kind and its text as written."""

    start: int
    end: int
    kind: str
    text: str


# Kind -> the word in its placeholder. Kinds stay exact (they are measured one by one); a reader of the masked text
# and a language model need only know that it is a telephone number. Finders may report no kind that is not here.
FAMILIES = {
    "ZH_MOBILE": "PHONE",
    "ZH_LANDLINE": "PHONE",
    "US_PHONE": "PHONE",
    "PHONE": "PHONE",  # any other country's
    "EMAIL": "EMAIL",
    "ZH_ID": "ID",
    "US_SSN": "ID",
    "ZH_PASSPORT": "PASSPORT",
    "PASSPORT": "PASSPORT",  # any other country's
    "ZH_PLATE": "PLATE",
    "ZH_USCC": "COMPANY",
    "BANK_CARD": "CARD",  # a Chinese bank's
    "CREDIT_CARD": "CARD",  # an international scheme's
    "IBAN": "ACCOUNT",
    "IP": "IP",
    "WECHAT": "WECHAT",
    "QQ": "QQ",
    "ZH_ADDRESS": "ADDRESS",
    "US_ADDRESS": "ADDRESS",
    "UK_ADDRESS": "ADDRESS",
    "ZH_NAME": "NAME",
    "EN_NAME": "NAME",
}

# What a customer typed that looks like a placeholder is itself replaced by one of this family, so that in a masked
# text every placeholder is ours. Without that, "<PHONE_1>" typed by a customer, or copied by a language model, would
# be filled in with somebody's telephone number.
LITERAL = "TEXT"
PLACEHOLDER = re.compile("<(" + "|".join(sorted({*FAMILIES.values(), LITERAL})) + ")_([1-9][0-9]{0,8})>")
