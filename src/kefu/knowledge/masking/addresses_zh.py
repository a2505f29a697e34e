"""Chinese postal addresses, whole or in part: from the province down to the room, in the order people write them.

The text is cut into words; words that cannot be in an address (verbs, pronouns, particles) cut it into stretches; a
stretch is an address if enough of its words end as parts of one do: 省 市 区 镇, 路 街, 小区 大厦, 号 栋 单元 室.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from kefu.knowledge.masking.entity import Entity
from kefu.knowledge.masking.lists import words

# Nothing is cut into words unless one of these stands in the text: a number with its unit, or two levels of place.
_GATE = re.compile(
    r"[\dA-Za-z一二三四五六七八九十]\s?(?:号|栋|幢|座|楼|单元|室|层|弄|房|户|院|组|#)|(?:[省市区县州镇乡路街村道巷苑]|小区|花园|大厦).{0,14}?(?:[区县镇乡路街村巷弄]|街道|大道|小区|花园|大厦|公寓)|\d-\d{1,2}-\d{3}"
)

_ADMIN = re.compile(r".+(?:省|市|自治区|自治州|地区|盟|区|县|旗|新区|开发区|高新区|特区)$")
_TOWN = re.compile(r".+(?:镇|乡|街道|街道办|办事处|村|庄|屯|寨|社区|工业园|产业园|科技园|开发区|园区)$")
_ROAD = re.compile(r".+(?:路|街|大道|大街|马路|道|巷|弄|胡同|条|里|公路|环线|国道|省道|支路|[东西南北中]段)$")
_PLACE = re.compile(
    r".+(?:小区|花园|花苑|家园|嘉园|公寓|大厦|大楼|广场|新村|新城|别墅|公馆|宿舍|大学|学院|中学|小学|医院|写字楼|商场|中心|工业区|科技园|产业园|园区|苑|"
    r"城|府|湾|庭|园|阁|轩|郡|居|墅|座|院)$"
)
_ROAD_SUFFIX = frozenset(
    "路 街 道 巷 弄 里 大道 大街 胡同 东路 西路 南路 北路 中路 东街 西街 南街 北街 一路 二路 三路 四路 支路 环路 公路 东段 西段 南段 北段 中段 段 条 横街 横路 后街 前街".split()
)
_PLACE_SUFFIX = frozenset(
    "小区 花园 花苑 家园 嘉园 公寓 大厦 大楼 广场 新村 新城 别墅 公馆 宿舍 写字楼 苑 城 府 湾 庭 园 阁 轩 郡 居 墅 院 中心 国际 名苑 名城 名都 雅苑 雅居 豪庭 华庭 佳苑 大院 山庄 商城 科技园 产业园 工业园 创业园 软件园 工业区 学校 大学 学院 医院 商务楼 豪园 城市花园".split()
)
_ADMIN_SUFFIX = frozenset("省 市 区 县 旗 自治区 自治州 新区 开发区 高新区 州 盟 地区".split())
_TOWN_SUFFIX = frozenset("镇 乡 村 街道 庄 屯 寨 社区 街道办 工业园 村委会 大队 小组".split())
_UNITS = frozenset(
    "号 號 栋 棟 幢 座 号楼 单元 室 层 楼 弄 巷 房 户 院 号院 组 门 梯 期 区 号房 号室 号门 支弄 排 斋 舍 座楼 楼层 栋楼 # 号店 附 F 队 村民组".split()
)
# Together these say "a flat in a house" even without a road: 3栋2单元501.
_HOUSE_UNITS = frozenset("栋 棟 幢 座 号楼 单元 室 层 楼 弄 房 号房 号室 户".split())
_FLOORS = frozenset("楼 层 F 区 期 门 #".split())  # of a shopping centre too, so with a road or a house only
# House, entrance and flat after an estate's name: 阳光花园10-4-1964. The middle part tells it from a telephone number.
_FLAT = re.compile(r"\d{1,3}-\d{1,2}-\d{3,4}$")
_BLOCK = re.compile("[A-Za-z0-9一二三四五六七八九十]{1,3}[座栋幢]")
# What a dictionary joins: SOHO4|栋, and 在世 in 装在世茂花园.
_HALVES = re.compile(r"([A-Za-z]{2,}|[在到至往])(\d+|[\u4e00-\u9fff])")
_NUMBER = re.compile(
    r"[A-Za-z]?\d{1,5}[A-Za-z]?|[A-Za-z]|[一二三四五六七八九十百零〇两]{1,4}|[甲乙丙丁]|[甲乙丙丁]\d{1,4}|第[一二三四五六七八九十]+"
)
_JOIN = frozenset("- — – ~ # 之 附 · /".split())
_SOFT = frozenset(",， ")
# Words that are never inside an address; where one stands, an address begins or ends.
_STOP = frozenset(
    "我 你 您 他 她 它 我们 你们 他们 咱 自己 本人 家里 我家 这 那 这个 那个 这里 那里 哪 哪里 什么 怎么 是 的 了 着 过 在 到 至 往 去 来 从 由 向 给 把 将 被 让 叫 请 要 想 想要 需要 "
    "麻烦 帮 帮忙 帮我 能 能否 可以 可否 会 不 没 没有 不是 还 还是 就 就是 也 都 又 再 已 已经 才 只 只有 和 跟 与 及 或 或者 但 但是 而 因为 所以 如果 然后 之前 之后 以前 以后 现在 今天 明天 昨天 "
    "寄 寄到 寄往 寄给 寄去 改寄 改 改到 改成 改为 改下 换 换成 换到 更改 更改为 修改 修改为 变更 变更为 更新 更新为 送 送到 送往 送去 送货 送达 派送 派件 派到 配送 配送到 发 发到 发往 发货 发给 快递 快递到 邮寄 邮寄到 投递 "
    "投送 运到 运往 转到 转寄 收 收货 收件 收到 签收 退回 退到 取 取件 上门 上门取件 拿 搬 搬到 搬去 搬家 住 住在 住址 家住 现住 居住 居住在 位于 坐落 坐落于 地址 住所 地点 位置 地方 收货地址 收件地址 寄件地址 详细地址 联系地址 通讯地址 家庭地址 公司地址 办公地址 注册地址 户籍 籍贯 户口 "
    "为 成 于 写 写成 写错 填 填写 填错 错 对 订 订单 下单 一下 看 看看 说 说是 问 问下 打 打到 打电话 电话 手机 手机号 号码 联系 联系人 联系电话 姓名 名字 收件人 收货人 邮编 身份证 先生 女士 小姐 谢谢 "
    "你好 您好 吗 呢 吧 啊 呀 哦 嗯 哈 坐 乘 乘坐 走 开 开到 到达 附近 旁边 对面 旁 边上 门口 楼下 隔壁 近 离 距 距离 还有 买 买的 卖 退 退货 退款 换货 商品 货 包裹 件 东西 安装 维修 师傅 客服 快递员 原来 旧 最近 刚 刚刚 "
    "不能 无法 应该 必须 一定 尽快 马上 立刻 直接 统一 全部 一起 分别 其中 有 有人 没人 放 放在 放到 存 存放 放门口 交给 自提 点 分 月 日 年 元 块 米 公里 号线 路公交 楼下 以及 等 等等 第一 附近的 是不是 有没有 如何 多少 几 票 登记 预约 预订 变成 变 当 当前 默认 备用 暂时 临时".split()
)
_STOP_TAGS = frozenset(("r", "p", "u", "uj", "ul", "uz", "c", "y", "e", "o"))  # pronouns, prepositions, particles
# Of the stops, single characters that names of places hold as well: 让胡路区, 江南水都. They only cannot begin one.
_WEAK = frozenset("让 叫 请 要 想 能 会 没 也 都 又 再 已 才 只 而 取 收 写 填 错 对 问 坐 走 开 拿 搬 存 放 票 点 分 月 日 年 元 块 米 件 货 当 近 离 距 几 过".split())
_IN_PLACE = re.compile(r".+[在到往给至]$")  # 装在, 停到: a verb that ends in a preposition
_CUE = re.compile(r"地址|住在|住址|家住|现住|居住|寄到|寄往|送到|配送|派送|收货|改到|搬到|邮寄|位于|发到|上门|快递")
_SUBURB_WORDS = frozenset(
    "小区 社区 地区 园区 景区 时区 市区 城区 郊区 校区 专区 分区 选区 区 战区 山区 灾区 老区 湖区 全市 本市 城市 超市 股市 门市 上市 夜市 房市 楼市 集市 菜市 外省 全省 本省 节省 全县 本县 县 市 省 州 旗 国旗 路 街 道 一条 两条 几条 哪条 这条 那条 知道 频道 渠道 味道 报道 通道 管道 一道 难道 地道 街道 线路 网路 一路 半路 思路 电路 铁路 网购 公里 这里 那里 哪里 家里 手里 心里 城里 夜里 里 花园 中心 广场 公寓 大厦 医院 学校 大学 中学 小学 学院 公园 幼儿园 校园 家园 法院 电影院 剧院 政府 客户中心 服务中心 乡 村 镇 农村 城镇 乡村 小镇".split()
)


@dataclass(slots=True)
class _Piece:
    start: int
    end: int
    word: str
    role: str  # stop, soft, space, join, number, unit, road, admin, town, place, known or other


@dataclass(slots=True)
class _Stretch:
    """A run of words that may be one address, with what was found in it."""

    start: int
    end: int
    roles: list[str] = field(default_factory=list)
    units: list[str] = field(default_factory=list)

    def count(self, *roles: str) -> int:
        return sum(role in roles for role in self.roles)


def find_chinese_addresses(text: str) -> Iterator[Entity]:
    """Yield Chinese postal addresses in a plain-form text."""
    if not _GATE.search(text):
        return
    cued = _CUE.search(text) is not None
    for stretch in _joined(text, _stretches(_pieces(text))):
        if _is_address(stretch, cued):
            yield Entity(stretch.start, stretch.end, "ZH_ADDRESS", text[stretch.start : stretch.end])


def _pieces(text: str) -> list[_Piece]:
    """Cut the text into words and say what part of an address each could be."""
    import rjieba

    pieces: list[_Piece] = []
    position = 0
    for word, tag in rjieba.tag(text, False):
        halves = _HALVES.fullmatch(word)
        for part in halves.groups() if halves else (word,):
            pieces.append(_Piece(position, position + len(part), part, _role(part, tag, pieces)))
            position += len(part)
    for piece, following in zip(pieces, pieces[1:], strict=False):
        if piece.role == "known" and following.role in ("road", "place") and piece.word in words("places_zh"):
            piece.role = "other"  # 延安|西路 is a road of many towns
        if piece.role == "road" and piece.word[-1] in "里条道" and following.role != "number" and "大道" not in piece.word:
            piece.role = "other"  # 万里, 链条
    return pieces


def _role(word: str, tag: str, before: list[_Piece]) -> str:  # noqa: PLR0911 - one line for each role
    previous = before[-1].role if before else "stop"
    if word.isspace():
        return "space"
    if word in (",", "，"):
        return "soft"
    if word in _JOIN:
        return "join"
    if (word in _UNITS and previous == "number") or (word in ("楼", "院", "房", "室", "门") and previous == "unit"):
        return "unit"
    if _BLOCK.fullmatch(word):
        return "unit"
    if _NUMBER.fullmatch(word):
        return "number"
    if is_known_place(word):
        return "known"
    suffix = _suffix_role(word, previous)
    if suffix:
        return suffix
    if word in _WEAK:
        return "weak"
    if word in _STOP or _IN_PLACE.match(word) or (len(word) > 1 and tag in _STOP_TAGS) or not word[0].isalnum():
        return "stop"
    return _ending_role(word)


def _suffix_role(word: str, previous: str) -> str | None:
    """Roads and places whose names no dictionary has come as single characters with the suffix as a word of its own."""
    if previous not in ("other", "weak", "number", "known", "admin", "place", "road", "town"):
        return None
    if word in _ROAD_SUFFIX:
        return "road"
    if word in _PLACE_SUFFIX:
        return "place"
    if word in _TOWN_SUFFIX:
        return "town"
    return "admin" if word in _ADMIN_SUFFIX and previous != "number" else None


def _ending_role(word: str) -> str:
    if word in _SUBURB_WORDS or len(word) < 2:
        return "other"
    for role, ending in (("town", _TOWN), ("place", _PLACE), ("road", _ROAD), ("admin", _ADMIN)):
        if ending.match(word):
            return role
    return "other"


@cache
def is_known_place(word: str) -> bool:
    places = words("places_zh")
    return (
        word in places
        or re.sub(r"(?:省|市|壮族自治区|回族自治区|维吾尔自治区|自治区|特别行政区|地区|州)$", "", word) in places
    )


def _stretches(pieces: list[_Piece]) -> Iterator[_Stretch]:
    """Yield the runs between stops, cut to what is part of an address."""
    run: list[_Piece] = []
    for piece in [*pieces, _Piece(0, 0, "", "stop")]:
        if piece.role in ("stop", "soft"):
            stretch = _trimmed(run)
            if stretch:
                yield stretch
            run = []
        else:
            run.append(piece)


_EVIDENCE = frozenset(("unit", "road", "admin", "town", "place", "known"))


def _trimmed(run: list[_Piece]) -> _Stretch | None:
    """Cut a run at its first known province or city and after its last part of an address."""
    known = [index for index, piece in enumerate(run) if piece.role == "known"]
    first_evidence = next((index for index, piece in enumerate(run) if piece.role in _EVIDENCE), None)
    if first_evidence is None:
        return None
    start = known[0] if known else _name_start(run, first_evidence)
    last = max(index for index, piece in enumerate(run) if piece.role in _EVIDENCE)
    ends_in_flat = _FLAT.search("".join(piece.word for piece in run).rstrip()) is not None
    last = (
        max(index for index, piece in enumerate(run) if piece.role == "number")
        if ends_in_flat
        else _room_end(run, last)
    )
    while run[start].role == "weak":
        start += 1
    body = run[start : last + 1]
    if not body:
        return None
    stretch = _Stretch(body[0].start, body[-1].end, [piece.role for piece in body])
    stretch.units = [
        piece.word[-1:] if _BLOCK.fullmatch(piece.word) else piece.word
        for index, piece in enumerate(body)
        if piece.role == "unit" and not _is_day(body, index)
    ]
    if ends_in_flat or _FLAT.search("".join(piece.word for piece in body)):
        stretch.units.append("室")
    return stretch


_LONGEST_NAME = 8  # characters of a road's or an estate's name before its suffix


def _name_start(run: list[_Piece], evidence: int) -> int:
    """Return where the name in front of the first suffix begins: as many words as a name may be long."""
    start = evidence
    while start > 0 and run[start - 1].role in ("other", "number", "join", "weak"):
        if run[evidence].start - run[start - 1].start > _LONGEST_NAME:
            break
        start -= 1
    return start


def _room_end(run: list[_Piece], last: int) -> int:
    """A number may end an address without a unit: 3栋2单元501, A座1203, 2-3-501."""
    index = last
    while index + 1 < len(run) and run[index + 1].role in ("number", "join", "space"):
        index += 1
    while index > last and run[index].role != "number":
        index -= 1
    if index > last and run[last].role in ("unit", "place", "road") and any(c.isdigit() for c in run[index].word):
        return index
    return last


def _is_day(body: list[_Piece], index: int) -> bool:
    """Say whether a 号 is a day of the month: nothing of an address before its number."""
    before = [piece.role for piece in body[: index - 1]]
    return body[index].word == "号" and not _EVIDENCE.intersection(before)


def _joined(text: str, stretches: Iterator[_Stretch]) -> Iterator[_Stretch]:
    """Join stretches that only a comma or a space parts, where the second continues the first."""
    held: _Stretch | None = None
    for stretch in stretches:
        if (
            held
            and set(text[held.end : stretch.start]) <= _SOFT
            and stretch.start - held.end <= 2
            and _continues(held, stretch)
        ):
            held = _Stretch(held.start, stretch.end, held.roles + stretch.roles, held.units + stretch.units)
            continue
        if held:
            yield held
        held = stretch
    if held:
        yield held


def _continues(held: _Stretch, stretch: _Stretch) -> bool:
    """After a comma an address goes on with a smaller part: with a house or flat once it has come to a number."""
    return stretch.roles[0] != "known" and (not held.units or bool(stretch.units))


def _is_address(stretch: _Stretch, cued: bool) -> bool:
    """A place alone ("杭州市西湖区") is none; a road with a number, a flat in a house, or three levels of place are."""
    streets = stretch.count("road", "place")
    levels = stretch.count("known", "admin", "town")
    if (stretch.units and levels >= 2) or (streets and not set(stretch.units) <= _FLOORS):
        return True
    if len(_HOUSE_UNITS.intersection(stretch.units)) >= 2:
        return True
    if levels >= 2 and (streets or stretch.count("town")):
        return levels + streets >= 3 or cued
    return cued and levels >= 1 and streets >= 1
