"""Names and addresses: found with a cue and without, and not seen where there are none."""

import pytest

from kefu.knowledge.masking import find

NAMES = [
    ("我叫马思，帮我查一下", ["马思"]),
    ("联系人李娜电话13800138000", ["李娜"]),
    ("户名王洋娜。", ["王洋娜"]),
    ("收件人欧阳静，下午在家", ["欧阳静"]),
    ("乘车人陈雨、周磊艳，想改签", ["陈雨", "周磊艳"]),
    ("帮何文艳查一下订单", ["何文艳"]),
    ("投诉你们的客服林志豪，态度太差", ["林志豪"]),
    ("王小明 13800138000", ["王小明"]),
    ("我叫王洋娜，订单写的也是王洋娜", ["王洋娜", "王洋娜"]),
    ("姓名：买买提·吐尔逊", ["买买提·吐尔逊"]),
    ("持卡人：高峰", ["高峰"]),
    ("王建国先生在吗", ["王建国"]),
    ("收件人John Smith，电话见上", ["John Smith"]),
    ("My name is John Johnson and my card was charged", ["John Johnson"]),
    ("hi this is robert cohen, can u help", ["robert cohen"]),
    ("i'm sara and my parcel is lost", ["sara"]),
    ("Regards,\nXiuying Zhao", ["Xiuying Zhao"]),
    ("Mr. van Houten never got it; Dr O'Malley did.", ["Houten", "O'Malley"]),
    ("The booking is under Leone Gregoire, tomorrow", ["Leone Gregoire"]),
    ("Lily St. Clair's order is late", ["Lily St. Clair"]),
    ("Please refund Anna-Maria de la Cruz.", ["Anna-Maria de la Cruz"]),
    ("John F. Kennedy Jr. ordered it", ["John F. Kennedy Jr"]),
    ("RECIPIENT: MARIA LOPEZ", ["MARIA LOPEZ"]),
    ("Justin", ["Justin"]),
]

NO_NAMES = [
    "王者荣耀的皮肤没到账",
    "高兴得太早了，方便的话马上发货",
    "周一到货吗，金额不对",
    "我是和朋友一起买的",
    "由于天气原因延误了",
    "联系人方式怎么改",
    "乘客应该几点到",
    "张先生在吗",
    "给师傅打了电话",
    "去全聚德还是东来顺",
    "梅兰芳大剧院怎么走",
    "I'm Frustrated with the delivery",
    "This is Urgent, please help",
    "This is Amazon Prime, right?",
    "Is Monday or Friday better?",
    "My name is misspelled",
    "I'm looking for a restaurant named Sketch.",
    "The Calvin Klein shirt and the Charlotte bag",
    "Will you refund me in April or May? Mark it as paid.",
    "Nike Air Jordan in Rose Gold",
    "Do you ship to New York or Los Angeles?",
    "thanks, will wait",
]

ADDRESSES = [
    ("请改寄到广东省深圳市南山区科苑南路197号16栋3单元1079室，谢谢", "广东省深圳市南山区科苑南路197号16栋3单元1079室"),
    ("我住西湖区文三路12号", "西湖区文三路12号"),
    ("送到阳光花园3栋2单元501", "阳光花园3栋2单元501"),
    ("新地址是华润置地广场10-4-1964", "华润置地广场10-4-1964"),
    ("地址：北京海淀区知春路甲48号盈都大厦C座4层", "北京海淀区知春路甲48号盈都大厦C座4层"),
    ("浙江省杭州市，西湖区文三路954号，21栋709室", "浙江省杭州市，西湖区文三路954号，21栋709室"),
    ("寄到大庆市让胡路区丹桂苑路958号", "大庆市让胡路区丹桂苑路958号"),
    ("ship to 9656 Oak Street, Apt 25, Springfield, OR 97477.", "9656 Oak Street, Apt 25, Springfield, OR 97477"),
    (
        "I moved to 221 N Michigan Ave Suite 300, Washington, DC 20001",
        "221 N Michigan Ave Suite 300, Washington, DC 20001",
    ),
    ("PO Box 96, Kansas City, MO 64106", "PO Box 96, Kansas City, MO 64106"),
    ("12 Oak Street, Springfield", "12 Oak Street, Springfield"),
    ("i live at 12 oak street apt 4", "12 oak street apt 4"),
]

NO_ADDRESSES = [
    "我在北京市朝阳区，能送吗",
    "12号下的单，3号到的货",
    "坐302路公交，地铁2号线",
    "5楼的空调漏水",
    "买了3号电池和2件大衣",
    "江苏省内包邮吗",
    "知道路上要几天吗",
    "I have 2 Drive bays",
    "Is the store on Oxford Street open?",
    "It took 3 Days to get a reply.",
]


@pytest.mark.parametrize(("text", "values"), NAMES)
def test_names(text, values):
    assert [one.text for one in find(text) if one.kind.endswith("NAME")] == values


@pytest.mark.parametrize("text", NO_NAMES)
def test_words_that_are_no_names(text):
    assert find(text) == ()


@pytest.mark.parametrize(("text", "value"), ADDRESSES)
def test_addresses(text, value):
    assert [one.text for one in find(text) if one.kind.endswith("ADDRESS")] == [value]


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_places_and_counts_that_are_no_addresses(text):
    assert find(text) == ()


def test_a_british_postcode_makes_the_kind():
    (address,) = find("Send it to 221B Baker Street, London NW1 6XE please")
    assert (address.text, address.kind) == ("221B Baker Street, London NW1 6XE", "UK_ADDRESS")
