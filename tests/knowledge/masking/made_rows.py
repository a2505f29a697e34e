"""Makes rows of personal data from phrasings: `python tests/knowledge/masking/made_rows.py --seed 3 > rows.jsonl`.

Fill-ins are drawn by seed. Names and streets are written out in fixtures/values.txt rather than put together from the
lists that masking itself uses, so that what is measured is not those lists.
"""

import argparse
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parent / "fixtures"
COMPANY_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
PLATE_CHARACTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"


def rows(language: str, seed: int, repeats: int = 1) -> Iterator[dict[str, Any]]:
    """Yield a row for each phrasing and repeat, with personal data and without."""
    maker = Maker(random.Random(f"{language}{seed}"))
    for name in ("phrasings", "clean"):
        for line in (FIXTURES / f"{name}_{language}.txt").read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                for _ in range(repeats):
                    yield maker.fill(line.replace("\\n", "\n"), language)


def values() -> dict[str, list[str]]:
    """Return the values of each key in fixtures/values.txt."""
    found: dict[str, list[str]] = {}
    for line in (FIXTURES / "values.txt").read_text(encoding="utf-8").splitlines():
        key, colon, rest = line.partition(":")
        if colon and not line.startswith("#"):
            found.setdefault(key, []).extend(value.strip() for value in rest.split("|"))
    return found


def luhn(digits: str) -> str:
    """Return the digits with their check digit."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 - place % 2)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


def in_fours(number: str, gap: str) -> str:
    return gap.join(number[index : index + 4] for index in range(0, len(number), 4))


class Maker:
    """Draws values for slots: `make_NAME` fills `{NAME}`."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.values = values()

    def fill(self, phrasing: str, language: str) -> dict[str, Any]:
        """Fill the slots of a phrasing; slots in capitals become entities."""
        text, position = "", 0
        entities: list[list[Any]] = []
        for slot in re.finditer(r"\{(\w+)\}", phrasing):
            text += phrasing[position : slot.start()]
            value = getattr(self, f"make_{slot[1]}")()
            if slot[1].isupper():
                entities.append([len(text), len(text) + len(value), slot[1]])
            text += value
            position = slot.end()
        return {"text": text + phrasing[position:], "entities": entities, "lang": language}

    def one(self, *choices: str) -> str:
        return self.dice.choice(choices)

    def pick(self, key: str) -> str:
        return self.dice.choice(self.values[key])

    def digits(self, count: int, first: str = "0123456789") -> str:
        return self.dice.choice(first) + "".join(self.dice.choice("0123456789") for _ in range(count - 1))

    def number(self, low: int, high: int) -> int:
        return self.dice.randint(low, high)

    def make_ZH_NAME(self) -> str:
        return self.one(self.pick("zh_names"), self.pick("zh_surnames") + self.pick("zh_given_names"))

    def make_EN_NAME(self) -> str:
        return f"{self.pick('en_first')}{self.one('', '', '', '', ' J.', ' Marie')} {self.pick('en_last')}"

    def make_ZH_MOBILE(self) -> str:
        number = "1" + self.digits(10, "3456789")
        prefix = self.one("", "", "", "", "+86", "+86 ", "0086", "86-", "(+86)")
        return prefix + self.one("", "", "", "-", " ").join((number[:3], number[3:7], number[7:]))

    def make_ZH_LANDLINE(self) -> str:
        area = self.one("010", "021", "020", "0512", "0755", "0991", "028", "0898")
        number = self.digits(8 if len(area) == 3 else 7, "2345678")
        return self.one(
            f"{area}-{number}", f"{area} {number}", f"({area}){number}", f"{area}{number}", f"{area}-{number}-801"
        )

    def make_US_PHONE(self) -> str:
        area, exchange, line = self.digits(3, "23456789"), self.digits(3, "23456789"), self.digits(4)
        return self.one(
            f"{area}-{exchange}-{line}",
            f"({area}) {exchange}-{line}",
            f"+1 {area} {exchange} {line}",
            f"{area}.{exchange}.{line}",
            f"1-{area}-{exchange}-{line}",
            f"+1{area}{exchange}{line}",
            f"({area}){exchange}-{line}",
            f"{area} {exchange} {line}",
        )

    def make_EMAIL(self) -> str:
        return f"{self.pick('mail_names')}{self.one('', '7', '2024')}@{self.pick('domains')}"

    def make_ZH_ID(self) -> str:
        place = self.one("110101", "310104", "440305", "510107", "320582", "650102", "150105", "460106")
        born = f"{self.number(1945, 2008)}{self.number(1, 12):02}{self.number(1, 28):02}"
        digits = place + born + self.digits(3)
        total = sum(int(digit) * 2 ** (17 - index) for index, digit in enumerate(digits))
        return digits + "0123456789X"[(12 - total) % 11]

    def make_US_SSN(self) -> str:
        return f"{self.digits(3, '9')}-{self.number(1, 99):02}-{self.number(1, 9999):04}"

    def make_BANK_CARD(self) -> str:
        issuer = self.one("622202", "621700", "622848", "436742", "623058", "621661")
        return in_fours(luhn(issuer + self.digits(self.dice.choice((9, 12)))), self.one("", "", " ", "-"))

    def make_CREDIT_CARD(self) -> str:
        gap = self.one("", " ", "-")
        if self.dice.random() < 0.15:
            number = luhn(self.one("34", "37") + self.digits(12))
            return gap.join((number[:4], number[4:10], number[10:]))
        return in_fours(luhn((self.one("4", "51", "55", "2221", "6011") + self.digits(14))[:15]), gap)

    def make_IBAN(self) -> str:
        country, bank, digits = self.dice.choice(
            (("DE", "", 18), ("NL", "ABNA", 10), ("GB", "WEST", 14), ("IE", "AIBK", 14), ("AT", "", 16))
        )
        body = bank + self.digits(digits)
        as_number = "".join(str(int(character, 36)) for character in f"{body}{country}00")
        return in_fours(f"{country}{98 - int(as_number) % 97:02}{body}", self.one("", "", " "))

    def make_IP(self) -> str:
        if self.dice.random() < 0.25:
            last = self.digits(4, "123456789")
            return self.one(f"2001:db8::{last}:1", f"2001:db8:85a3:0:0:8a2e:370:{last}")
        return f"{self.one('203.0.113', '198.51.100', '192.0.2')}.{self.number(1, 254)}"

    def make_WECHAT(self) -> str:
        return self.one(
            f"wx{self.digits(6)}",
            f"lily_{self.digits(4)}",
            f"wxid_{self.digits(8)}ab",
            f"zhangsan{self.digits(3)}",
            f"a-bc{self.digits(5)}",
        )

    def make_QQ(self) -> str:
        return self.digits(self.dice.choice((6, 8, 9, 10)), "123456789")

    def make_ZH_PASSPORT(self) -> str:
        return self.one(self.one("E", "G") + self.digits(8), "E" + self.one("A", "B", "C", "D", "H") + self.digits(7))

    def make_ZH_PLATE(self) -> str:
        tail = "".join(self.dice.choice(PLATE_CHARACTERS) for _ in range(4)) + self.digits(1)
        place = self.dice.choice("京沪粤浙苏川鲁豫鄂湘") + self.dice.choice("ABCDEFGH")
        return place + self.one("", "·") + self.one(tail, "D" + self.digits(5))

    def make_ZH_USCC(self) -> str:
        place = self.one("110108", "310115", "440300", "330106", "510100")
        organisation = "".join(self.dice.choice(COMPANY_CHARACTERS) for _ in range(9))
        return self.one("91", "92", "52") + place + organisation + self.dice.choice("0123456789AXY")

    def make_ZH_ADDRESS(self) -> str:
        town, road, estate = self.pick("zh_towns"), f"{self.pick('zh_roads')}{self.number(1, 999)}号", self.zh_estate()
        return self.one(town + road, town + road + self.zh_house(), town + estate, town + road + estate, estate)

    def zh_estate(self) -> str:
        return self.pick("zh_estates") + self.zh_house()

    def zh_house(self) -> str:
        house, flat = self.number(1, 40), self.number(101, 3302)
        return self.one(
            f"{house}栋{self.number(1, 4)}单元{flat}室",
            f"{house}号楼{flat}",
            f"{house}幢{flat}室",
            f"{self.one('A', 'B', 'C')}座{self.number(2, 30)}层",
            f"{self.one('A', 'B', 'C')}座{flat}",
            f"{house}-{self.number(1, 4)}-{flat}",
        )

    def make_US_ADDRESS(self) -> str:
        if self.dice.random() < 0.1:
            return f"PO Box {self.number(10, 9999)}, {self.pick('en_towns')}"
        unit = self.one("", "", "", f", {self.pick('en_units')}", f" {self.pick('en_units')}")
        street = f"{self.number(1, 9999)} {self.pick('en_streets')}{unit}"
        return street if self.dice.random() < 0.2 else f"{street}, {self.pick('en_towns')}"

    def make_order(self) -> str:
        length = self.dice.choice((10, 12, 14, 16))
        return self.one("DD", "TB", "SO", "#", "JD", "No.") + self.digits(length, "123456789")

    def make_order10(self) -> str:
        return self.digits(10, "23456789")

    def make_long(self) -> str:
        return self.digits(self.dice.choice((10, 11, 12, 16, 18, 20)), "123456789")

    def make_tracking(self) -> str:
        return self.one("SF", "YT", "ZTO", "JDVA", "1Z999AA1", "") + self.digits(13, "4567")

    def make_amount(self) -> str:
        return f"{self.number(1, 99999)}.{self.number(0, 99):02}"

    def make_quantity(self) -> str:
        return str(self.number(2, 300))

    def make_date(self) -> str:
        year, month, day = self.number(2023, 2027), self.number(1, 12), self.number(1, 28)
        return self.one(
            f"{year}-{month:02}-{day:02}", f"{year}/{month}/{day}", f"{year}{month:02}{day:02}", f"{month}/{day}/{year}"
        )

    def make_time(self) -> str:
        return f"{self.number(0, 23):02}:{self.number(0, 59):02}{self.one('', f':{self.number(0, 59):02}')}"

    def make_version(self) -> str:
        return ".".join(str(self.number(0, 40)) for _ in range(self.dice.choice((3, 4))))

    def make_sku(self) -> str:
        return self.one("SKU", "A", "P-", "SAVE") + self.digits(self.dice.choice((4, 7, 8)))

    def make_serial(self) -> str:
        return "".join(self.dice.choice(PLATE_CHARACTERS) for _ in range(12))

    def make_code(self) -> str:
        return self.digits(self.dice.choice((4, 6)))

    def make_code8(self) -> str:
        return self.digits(8)

    def make_code12(self) -> str:
        return self.digits(12)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    for language in ("zh", "en"):
        for row in rows(language, options.seed, options.repeats):
            print(json.dumps(row, ensure_ascii=False))


if __name__ == "__main__":
    main()
