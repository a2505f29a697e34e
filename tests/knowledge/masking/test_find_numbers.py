"""Numbers, mail and accounts: what is found, by kind, and what only looks like it."""

import pytest

from kefu.knowledge.masking import find

FOUND = [
    ("我的手机号换成008615241265972了", "008615241265972", "ZH_MOBILE"),
    ("打(+86)138-0013-8000找我", "(+86)138-0013-8000", "ZH_MOBILE"),
    ("手机138 001 38000", "138 001 38000", "ZH_MOBILE"),
    ("tel13800138000", "13800138000", "ZH_MOBILE"),
    ("我的手机１３８００１３８０００", "１３８００１３８０００", "ZH_MOBILE"),
    ("1-3-8-0-0-1-3-8-0-0-0加我", "1-3-8-0-0-1-3-8-0-0-0", "ZH_MOBILE"),
    ("微信同号，13800138000", "13800138000", "ZH_MOBILE"),
    ("请打(021)45566038", "(021)45566038", "ZH_LANDLINE"),
    ("电话01045566038没人接", "01045566038", "ZH_LANDLINE"),
    ("座机45566038", "45566038", "ZH_LANDLINE"),
    ("财务0512-5678901转802", "0512-5678901转802", "ZH_LANDLINE"),
    ("call me at (202)555-0128 ext 12", "(202)555-0128 ext 12", "US_PHONE"),
    ("my number is 2025550128", "2025550128", "US_PHONE"),
    ("1.202.555.0128 is my cell", "1.202.555.0128", "US_PHONE"),
    ("reach me on +44 20 7946 0958", "+44 20 7946 0958", "PHONE"),
    ("my mobile is 07700 900123", "07700 900123", "PHONE"),
    ("mail li_na88@example.com.", "li_na88@example.com", "EMAIL"),
    ("发到用户0186@mail.example.net吧", "用户0186@mail.example.net", "EMAIL"),
    ("把zhang.wei@example.cn换掉", "zhang.wei@example.cn", "EMAIL"),
    ("write to j.smith (at) example (dot) com", "j.smith (at) example (dot) com", "EMAIL"),
    ("身份证11010519500208390X", "11010519500208390X", "ZH_ID"),
    ("身份证号码 110105 19500208 390x", "110105 19500208 390x", "ZH_ID"),
    ("身份证110105195002083901过不了", "110105195002083901", "ZH_ID"),  # a mistyped check digit after the word
    ("老身份证号110105500208390", "110105500208390", "ZH_ID"),
    ("SSN 964-41-2635", "964-41-2635", "US_SSN"),
    ("my social is 964412635", "964412635", "US_SSN"),
    ("退到6225881660738150558", "6225881660738150558", "BANK_CARD"),
    ("卡号 6222 0271 9972 2387 217", "6222 0271 9972 2387 217", "BANK_CARD"),
    ("信用卡4532358996283066被盗刷", "4532358996283066", "CREDIT_CARD"),
    ("amex 3782 822463 10005", "3782 822463 10005", "CREDIT_CARD"),
    ("cc# 4532-3589-9628-3066", "4532-3589-9628-3066", "CREDIT_CARD"),
    ("refund to GB37 WEST 3757 5068 4559 25 please", "GB37 WEST 3757 5068 4559 25", "IBAN"),
    ("iban de89370400440532013000", "de89370400440532013000", "IBAN"),
    ("logged in from 203.0.113.124.", "203.0.113.124", "IP"),
    ("从2001:db8:85a3::8a2e:370:7334访问", "2001:db8:85a3::8a2e:370:7334", "IP"),
    ("税号91310115C21HHNBE16", "91310115C21HHNBE16", "ZH_USCC"),
    ("统一社会信用代码913101159284707712", "913101159284707712", "ZH_USCC"),
    ("护照E42006979过期了", "E42006979", "ZH_PASSPORT"),
    ("证件类型护照，号码EB1234567", "EB1234567", "ZH_PASSPORT"),
    ("passport number 533380006", "533380006", "PASSPORT"),
    ("车牌京CRT6NW", "京CRT6NW", "ZH_PLATE"),
    ("我的车是粤B·D12345", "粤B·D12345", "ZH_PLATE"),
    ("车牌浙dntbnx", "浙dntbnx", "ZH_PLATE"),
    ("加我微信wx_frjq3n1h7", "wx_frjq3n1h7", "WECHAT"),
    ("微信号：liming", "liming", "WECHAT"),
    ("my wechat id is lily_2024", "lily_2024", "WECHAT"),
    ("QQ1470761214沟通", "1470761214", "QQ"),
    ("扣扣号是 12345678", "12345678", "QQ"),
]

NOTHING = [
    "订单DD8393473571432178还没到",
    "订单号13812345678什么时候发货",
    "订单#7403095770",
    "Order #7403095770 is late",
    "order number 4532358996283066",
    "tracking 1Z999AA10123456784",
    "快递单号773012345678901，运单SF1234567890123",
    "版本8.6.16更新之后登录不上",
    "version 10.2.33.4 crashes",
    "商品SKU7690509也看不到了",
    "扣了两次款19668.39元，共￥20,000.00",
    "2026-09-22 12:30:45下的单，20260922到的货",
    "尺寸1200*600*750，重13.5公斤",
    "打400-820-8820没人接",
    "条形码6901234567892扫不出来",
    "支付宝交易流水号2024112622001412345678901234",
    "QQ群123456789怎么加不进去",
    "QQ音乐会员2026年到期",
    "微信支付failed to load",
    "wechat payment failed again",
    "阿里云ECS2000怎么续费",
    "最新B12345版本",
    "ratio 1:2:3 at 12:30:45",
    "std::vector::begin",
    "@everyone 50% off, a@b",
    "error E10012345 in line 3",
    "1234567890",
    "GB82 WEST 1234 5698 7654 33",  # a wrong check digit
    "6225881660738150559",  # the same, and no word for a card
    "110105195002083901",  # the same, and no word for an ID
]


@pytest.mark.parametrize(("text", "value", "kind"), FOUND)
def test_is_found_whole_and_under_its_kind(text, value, kind):
    assert [(one.text, one.kind) for one in find(text)] == [(value, kind)]


@pytest.mark.parametrize("text", NOTHING)
def test_numbers_of_other_things_stay(text):
    assert find(text) == ()


def test_a_word_nearer_to_the_number_decides():
    assert [one.kind for one in find("订单12345的联系电话13812345678")] == ["ZH_MOBILE"]
    assert find("电话里说的订单号是13812345678") == ()


def test_several_kinds_in_one_message_come_in_order():
    text = "SSN 964-41-2635, mail a@example.com, card 4532418793350490, ip 203.0.113.9"
    assert [one.kind for one in find(text)] == ["US_SSN", "EMAIL", "CREDIT_CARD", "IP"]
