"""Makes rows of personal data from phrasings: `python tests/knowledge/masking/made_rows.py --seed 3 > rows.jsonl`.

The people, streets and numbers are invented here and drawn by seed. Names and streets are written out rather than put
together from the lists that masking itself uses, so that what is measured is not those lists.
"""

import argparse
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures"

ZH_NAMES = (
    "王建国 李秀兰 张伟 刘洋 陈思远 杨雪 赵子轩 黄丽萍 周杰 吴梦琪 徐浩然 孙晓燕 马俊 朱婷 胡志强 郭欣怡 何雨桐 高峰 林淑芬 罗永辉 "
    "郑一鸣 梁静 谢文博 宋佳 唐国栋 许晴 韩雪梅 冯磊 邓丽华 曹阳 彭于晏 曾志伟 肖战 田甜 董洁 袁泉 潘虹 于谦 蒋欣 蔡依林 余秋雨 杜鹃 叶倩文 程潇 苏有朋 "
    "魏大勋 吕良伟 丁俊晖 任嘉伦 沈腾 姚晨 卢靖姗 姜文 崔健 钟汉良 谭松韵 陆毅 汪峰 范伟 金晨 石磊 廖凡 贾玲 夏雨 韦小宝 付辛博 方中信 白敬亭 邹市明 孟非 "
    "熊乃瑾 秦海璐 邱淑贞 江疏影 尹正 薛之谦 闫妮 段奕宏 雷佳音 侯明昊 龙丹妮 史可 陶虹 黎明 贺军翔 顾漫 毛晓彤 郝蕾 龚琳娜 邵兵 万茜 钱枫 严屹宽 覃海洋 武艺 "
    "欧阳娜娜 诸葛青云 司马懿德 上官婉儿 慕容雪 皇甫嘉 祝绪丹 柳岩 莫文蔚 樊振东 施诗 温碧霞 牛莉 俞飞鸿 章若楠 鲁豫 葛优 倪妮 齐思钧 庞博 季肖冰 路金波 凌潇肃 霍建华 "
    "郎平 车晓 敖瑞鹏 喻恩泰 甄子丹 解晓东 晏紫东 褚健 简素芳 饶毅"
).split()
ZH_GIVEN_NAMES = "伟 芳 娜 敏 静 磊 洋 勇 艳 杰 秀英 桂兰 建军 晓明 子涵 雨欣 梓萱 浩宇 俊杰 文静 海燕 志明 玉梅 思琪 嘉怡 天佑 丽娟 国庆 宇航 雅婷 晨曦 佩瑶 振华 淑珍 可馨 锦程 立新 小红 一帆 沐阳".split()
ZH_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
ZH_TOWNS = (
    "江苏省苏州市工业园区 南京市鼓楼区 山东省青岛市市北区 广州市天河区 陕西省西安市雁塔区 重庆市渝北区 天津市和平区 福建省厦门市思明区 湖南省长沙市岳麓区 河南省郑州市金水区 "
    "辽宁省大连市中山区 安徽省合肥市蜀山区 云南省昆明市五华区 广西南宁市青秀区 浙江省宁波市鄞州区 黑龙江省哈尔滨市南岗区 河北省石家庄市长安区 贵州省贵阳市观山湖区 上海市徐汇区 "
    "北京市海淀区 深圳福田区 东莞市长安镇 江西省南昌市红谷滩区 甘肃省兰州市城关区 内蒙古呼和浩特市赛罕区 新疆乌鲁木齐市天山区 海南省海口市龙华区 浙江省义乌市北苑街道 成都市高新区 武汉市江夏区"
).split()
ZH_ROADS = "中山北路 人民东路 解放大道 星湖街 延安西路 体育西路 高新三路 长江路 中关村南大街 学府路 和平里北街 滨河大道 虹桥路 五四大街 迎宾大道 建设二路 育才巷 金融街 江南大道 新华路 凤凰北路 复兴门外大街 朝阳门内大街 鼓楼西大街 环城东路 创业路".split()
ZH_ESTATES = "阳光花园 翠湖小区 万科城市花园 绿地国际花都 碧桂园 保利香槟国际 龙湖天街 金地名苑 锦绣家园 恒大绿洲 华润置地广场 世纪新城 东方明珠公寓 滨江壹号 和谐家园 中海国际社区 银泰中心 万达广场 紫金公寓 幸福里小区".split()

EN_FIRST = (
    "Oliver Emma Noah Charlotte Liam Amelia Ethan Harper Lucas Isabella Mason Mia Logan Evelyn Jacob Abigail Daniel Ella Henry Scarlett Samuel Grace David Chloe Joseph Victoria Carter Lily "
    "Wei Fatima Yusuf Hiroshi Ananya Rajesh Ingrid Lars Svetlana Dmitri Chinedu Ngozi Kwame Amara Diego Lucia Mateo Valentina Giulia Marco Pierre Camille Hans Greta Anika Tomasz Zofia Siobhan "
    "Declan Priyanka Sanjay Mei Jun Thuy Minh Leila Omar Hassan Miriam Avi Noor Bianca Paulo Beatriz"
).split()
EN_LAST = (
    "Thompson Nakamura Fitzgerald O'Brien Kowalski Andersson Petrov Mbeki Okonkwo Mehta Chowdhury Rossi Moreau Schneider van Dijk|de Souza|Al-Farsi|Hernandez Castillo Fernandes Whitaker Ashworth Pemberton "
    "Lindqvist Yamamoto Tran Pham Zhang Liu Goldberg Katz Haddad Rahman Iqbal Desai Baker Turner Hughes Bennett Campbell Foster Harrison Sullivan Walsh Doyle Gallagher"
).replace("van Dijk|de Souza|Al-Farsi|", "").split() + ["van Dijk", "de Souza", "Al-Farsi", "Smith-Jones", "St. Clair"]
EN_STREETS = (
    "Maplewood Drive|Elm Street|Sunset Boulevard|North Lincoln Avenue|W 42nd Street|River Road|Washington Ave|Park Lane|Cherry Blossom Ct|King Street|5th Avenue|Old Mill Rd|Martin Luther King Jr Blvd|"
    "S Main St|Birchwood Terrace|Lakeview Pkwy|Hillcrest Circle|Orchard Way|Pine Ridge Trail|E Colfax Ave|Beacon Street|Highland Place|County Road 12"
).split("|")[:-1]
EN_TOWNS = (
    "Austin, TX 78701|Portland, OR 97205|Brooklyn, NY 11215|San Diego, CA 92101|Chicago, IL 60614|Ann Arbor, MI 48104|Salt Lake City, UT 84111|Boston, MA 02116-1234|Miami, Florida 33130|Denver CO 80203|"
    "St. Paul, MN 55102|Cambridge, Massachusetts 02139|Los Angeles, CA|Raleigh, NC 27601, USA|Winston-Salem, NC 27101"
).split("|")
EN_UNITS = ("", "", "", ", Apt 4B", " Apt 12", ", Suite 300", ", Unit 7", " #204", ", Apartment 9C", ", Floor 3")
MAIL_NAMES = (
    "zhang.san",
    "li_si88",
    "mary.jones",
    "j-smith",
    "support+vip",
    "kevin1990",
    "a.b.c",
    "wang2000",
    "info",
    "x_y-z9",
)
DOMAINS = ("example.com", "example.org", "mail.example.net", "example.cn", "corp.example.co.uk")


def rows(language: str, seed: int, repeats: int = 1) -> Iterator[dict[str, object]]:
    """Yield a row for each phrasing and repeat, with personal data and without."""
    maker = Maker(random.Random(f"{language}{seed}"))
    for name in ("phrasings", "clean"):
        for line in (FIXTURES / f"{name}_{language}.txt").read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                for _ in range(repeats):
                    yield maker.fill(line.replace("\\n", "\n"), language)


def luhn(digits: str) -> str:
    """Return the digits with their check digit."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 - place % 2)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


class Maker:
    """Draws values for slots."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.makers: dict[str, Callable[[], str]] = {
            name.removeprefix("make_"): getattr(self, name) for name in dir(self) if name.startswith("make_")
        }

    def fill(self, phrasing: str, language: str) -> dict[str, object]:
        """Fill the slots of a phrasing; slots in capitals become entities."""
        text, entities, position = "", [], 0
        for slot in re.finditer(r"\{(\w+)\}", phrasing):
            text += phrasing[position : slot.start()]
            value = self.makers[slot[1]]()
            if slot[1].isupper():
                entities.append([len(text), len(text) + len(value), slot[1]])
            text += value
            position = slot.end()
        return {"text": text + phrasing[position:], "entities": entities, "lang": language}

    def digits(self, count: int, first: str = "0123456789") -> str:
        return self.dice.choice(first) + "".join(self.dice.choice("0123456789") for _ in range(count - 1))

    def make_ZH_NAME(self) -> str:
        if self.dice.random() < 0.5:
            return self.dice.choice(ZH_NAMES)
        return self.dice.choice(ZH_SURNAMES) + self.dice.choice(ZH_GIVEN_NAMES)

    def make_EN_NAME(self) -> str:
        middle = self.dice.choice(("", "", "", "", " J.", " Marie"))
        return self.dice.choice(EN_FIRST) + middle + " " + self.dice.choice(EN_LAST)

    def make_ZH_MOBILE(self) -> str:
        number = "1" + self.digits(10, "3456789")
        prefix = self.dice.choice(("", "", "", "", "+86", "+86 ", "0086", "86-", "(+86)"))
        gap = self.dice.choice(("", "", "", "-", " "))
        return prefix + gap.join((number[:3], number[3:7], number[7:]))

    def make_ZH_LANDLINE(self) -> str:
        area = self.dice.choice(("010", "021", "020", "0512", "0755", "0991", "028", "0898"))
        number = self.digits(8 if len(area) == 3 else 7, "2345678")
        return self.dice.choice(
            (f"{area}-{number}", f"{area} {number}", f"({area}){number}", f"{area}{number}", f"{area}-{number}-801")
        )

    def make_US_PHONE(self) -> str:
        area, exchange, line = self.digits(3, "23456789"), self.digits(3, "23456789"), self.digits(4)
        return self.dice.choice(
            (
                f"{area}-{exchange}-{line}",
                f"({area}) {exchange}-{line}",
                f"+1 {area} {exchange} {line}",
                f"{area}.{exchange}.{line}",
                f"1-{area}-{exchange}-{line}",
                f"+1{area}{exchange}{line}",
                f"({area}){exchange}-{line}",
                f"{area} {exchange} {line}",
            )
        )

    def make_EMAIL(self) -> str:
        return f"{self.dice.choice(MAIL_NAMES)}{self.dice.choice(('', '7', '2024'))}@{self.dice.choice(DOMAINS)}"

    def make_ZH_ID(self) -> str:
        place = self.dice.choice(("110101", "310104", "440305", "510107", "320582", "650102", "150105", "460106"))
        born = f"{self.dice.randint(1945, 2008)}{self.dice.randint(1, 12):02}{self.dice.randint(1, 28):02}"
        number = place + born + self.digits(3)
        total = sum(int(digit) * 2 ** (17 - index) for index, digit in enumerate(number))
        return number + "0123456789X"[(12 - total) % 11]

    def make_US_SSN(self) -> str:
        return f"{self.digits(3, '9')}-{self.dice.randint(1, 99):02}-{self.dice.randint(1, 9999):04}"

    def make_BANK_CARD(self) -> str:
        number = luhn(
            self.dice.choice(("622202", "621700", "622848", "436742", "623058", "621661"))
            + self.digits(self.dice.choice((9, 12)))
        )
        gap = self.dice.choice(("", "", " ", "-"))
        return gap.join(number[index : index + 4] for index in range(0, len(number), 4))

    def make_CREDIT_CARD(self) -> str:
        if self.dice.random() < 0.15:
            number = luhn(self.dice.choice(("34", "37")) + self.digits(12))
            gap = self.dice.choice(("", " ", "-"))
            return gap.join((number[:4], number[4:10], number[10:]))
        number = luhn(self.dice.choice(("4", "51", "55", "2221", "6011")) + self.digits(14))[:15]
        number = luhn(number)
        gap = self.dice.choice(("", " ", "-"))
        return gap.join(number[index : index + 4] for index in range(0, 16, 4))

    def make_IBAN(self) -> str:
        country, body = self.dice.choice(
            (
                ("DE", self.digits(18)),
                ("NL", "ABNA" + self.digits(10)),
                ("GB", "WEST" + self.digits(14)),
                ("IE", "AIBK" + self.digits(14)),
                ("AT", self.digits(16)),
            )
        )
        as_number = "".join(str(int(character, 36)) for character in f"{body}{country}00")
        number = f"{country}{98 - int(as_number) % 97:02}{body}"
        gap = self.dice.choice(("", "", " "))
        return gap.join(number[index : index + 4] for index in range(0, len(number), 4))

    def make_IP(self) -> str:
        if self.dice.random() < 0.25:
            return self.dice.choice(
                (
                    f"2001:db8::{self.digits(4, '123456789')}:1",
                    f"2001:db8:85a3:0:0:8a2e:370:{self.digits(4, '123456789')}",
                )
            )
        return f"{self.dice.choice(('203.0.113', '198.51.100', '192.0.2'))}.{self.dice.randint(1, 254)}"

    def make_WECHAT(self) -> str:
        return self.dice.choice(
            (
                f"wx{self.digits(6)}",
                f"lily_{self.digits(4)}",
                f"wxid_{self.digits(8)}ab",
                f"zhangsan{self.digits(3)}",
                f"a-bc{self.digits(5)}",
            )
        )

    def make_QQ(self) -> str:
        return self.digits(self.dice.choice((6, 8, 9, 10)), "123456789")

    def make_ZH_PASSPORT(self) -> str:
        if self.dice.random() < 0.5:
            return self.dice.choice("EG") + self.digits(8)
        return "E" + self.dice.choice("ABCDH") + self.digits(7)

    def make_ZH_PLATE(self) -> str:
        tail = "".join(self.dice.choice("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789") for _ in range(4)) + self.digits(1)
        return (
            self.dice.choice("京沪粤浙苏川鲁豫鄂湘")
            + self.dice.choice("ABCDEFGH")
            + self.dice.choice(("", "·"))
            + self.dice.choice((tail, "D" + self.digits(5)))
        )

    def make_ZH_USCC(self) -> str:
        place = self.dice.choice(("110108", "310115", "440300", "330106", "510100"))
        return (
            self.dice.choice(("91", "92", "52"))
            + place
            + "".join(self.dice.choice("0123456789ABCDEFGHJKLMNPQRTUWXY") for _ in range(9))
            + self.dice.choice("0123456789AXY")
        )

    def make_ZH_ADDRESS(self) -> str:
        dice = self.dice
        road = f"{dice.choice(ZH_ROADS)}{dice.randint(1, 999)}号"
        house = dice.choice(
            (
                f"{dice.randint(1, 40)}栋{dice.randint(1, 4)}单元{dice.randint(101, 3302)}室",
                f"{dice.randint(1, 40)}号楼{dice.randint(101, 3302)}",
                f"{dice.randint(1, 40)}幢{dice.randint(101, 3302)}室",
                f"{dice.choice('ABCD')}座{dice.randint(2, 30)}层",
                f"{dice.choice('ABCD')}座{dice.randint(101, 3302)}",
                f"{dice.randint(1, 40)}-{dice.randint(1, 4)}-{dice.randint(101, 3302)}",
            )
        )
        town = dice.choice(ZH_TOWNS)
        return dice.choice(
            (
                town + road,
                town + road + house,
                town + dice.choice(ZH_ESTATES) + house,
                town + road + dice.choice(ZH_ESTATES) + house,
                dice.choice(ZH_ESTATES) + house,
                road + dice.choice(ZH_ESTATES) + house,
            )
        )

    def make_US_ADDRESS(self) -> str:
        dice = self.dice
        if dice.random() < 0.1:
            return f"PO Box {dice.randint(10, 9999)}, {dice.choice(EN_TOWNS)}"
        street = f"{dice.randint(1, 9999)} {dice.choice(EN_STREETS)}{dice.choice(EN_UNITS)}"
        return street if dice.random() < 0.2 else f"{street}, {dice.choice(EN_TOWNS)}"

    def make_order(self) -> str:
        return self.dice.choice(("DD", "TB", "SO", "#", "JD", "No.")) + self.digits(
            self.dice.choice((10, 12, 14, 16)), "123456789"
        )

    def make_order10(self) -> str:
        return self.digits(10, "23456789")

    def make_long(self) -> str:
        return self.digits(self.dice.choice((10, 11, 12, 16, 18, 20)), "123456789")

    def make_tracking(self) -> str:
        return self.dice.choice(("SF", "YT", "ZTO", "JDVA", "1Z999AA1", "")) + self.digits(13, "4567")

    def make_amount(self) -> str:
        return f"{self.dice.randint(1, 99999)}.{self.dice.randint(0, 99):02}"

    def make_quantity(self) -> str:
        return str(self.dice.randint(2, 300))

    def make_date(self) -> str:
        year, month, day = self.dice.randint(2023, 2027), self.dice.randint(1, 12), self.dice.randint(1, 28)
        return self.dice.choice(
            (
                f"{year}-{month:02}-{day:02}",
                f"{year}/{month}/{day}",
                f"{year}{month:02}{day:02}",
                f"{month}/{day}/{year}",
            )
        )

    def make_time(self) -> str:
        return f"{self.dice.randint(0, 23):02}:{self.dice.randint(0, 59):02}" + self.dice.choice(
            ("", f":{self.dice.randint(0, 59):02}")
        )

    def make_version(self) -> str:
        return ".".join(str(self.dice.randint(0, 40)) for _ in range(self.dice.choice((3, 4))))

    def make_sku(self) -> str:
        return self.dice.choice(("SKU", "A", "P-", "SAVE")) + self.digits(self.dice.choice((4, 7, 8)))

    def make_serial(self) -> str:
        return "".join(self.dice.choice("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789") for _ in range(12))

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
