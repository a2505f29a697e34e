"""The words around a number say what it is: the nearest cue before it, or a cue right after it, decides."""

import re

# How far back a cue can be and still speak of the number: "my order number, which I copied from the mail, is 12…".
_REACH = 36
# How far a cue after the number can be: "13800138000是我的手机号".
_AFTER = 12
_CLAUSE_END = re.compile(r"[。！？!?；;\n]|(?<!\b[Nn]o)\.\s")  # but "tracking no. 12" goes on
_CLAUSE_OR_COMMA = re.compile(r"[。！？!?；;\n，,]|\.\s")

# One alternation: where two cues overlap, the first named wins; then the one nearest to the number wins.
_CUES = re.compile(
    r"""
  (?:
    (?P<passport> 护照 | 通行证 | passport )
  | (?P<tax> 税号 | 识别号 | 信用代码 | 纳税人 | 税务登记 | 组织机构 | 营业执照 | 注册号 | uscc | credit\ code )
  | (?P<id> 身份证 | 身份號 | 证件 | 证号 | 身份号 | \bid\ (?:card|number)\b | identity )
  | (?P<ssn> 社保号 | 社会安全 | \bssn\b | social\ sec\w* | \bsocial\b | \bitin\b | tax\ id | taxpayer )
  | (?P<qq> (?<![a-z])qq | 扣扣 | 企鹅号 )
  | (?P<wechat> 微信 | 薇信 | we\ ?chat | weixin | (?<![a-z])[vw]x(?![a-z]) | v信 )
  | (?P<landline> 座机 | 固话 | 固定电话 | 办公电话 | 家里电话 | 家庭电话 | 公司电话 | land\ ?line )
  | (?P<order>
        订\ ?单 | 单[号据] | 运单 | 物流 | 流水 | 交易号 | 工单 | 退款[单编] | 发票(?:号码?|代码) | 货号 | 商品 | 型号
      | 编[号码] | 条形?码 | 券码 | 优惠码 | 兑换码 | 激活码 | 验证码 | 校验码 | 序列号 | 批[次号] | 包裹 | 快递[单号]
      | 合同号? | 会员号 | 保单 | 案件 | 错误码? | 报错 | 设备号 | 房间号 | 航班 | 车次 | 期号 | \#
      | \b(?: sku | sn | order | tracking | invoices? | ref(?:erence)? | ticket | case | confirmation | transaction
            | serial | item | model | parcel | shipment | booking | reservation | pnr | rma | product | coupon | promo
            | voucher | error | batch | barcode | imei | package | claim | policy | waybill | upc | isbn | firmware
            | verification\ code | otp | number\ of )\b
      | \bpo\b(?!\ box) )
  | (?P<card> 银行卡 | 信用卡 | 储蓄卡 | 借记卡 | 卡号 | 卡片 | [账帐][号户] | 卡 | \bcc\b | \bcards?\b | \bvisa\b
      | master\ ?card | \bamex\b | american\ express | \bdebit\b | \bcredit\b | union\ ?pay | \baccount\b )
  | (?P<phone> 手机 | 电话 | 联系 | 号码 | 致电 | 拨打? | 回拨 | 来电 | 短信 | 打[给到] | 传真 | 热线 | tele?phone
      | \b(?: tel | phones? | call(?:ed|ing)? | mobile | cell(?:phone)? | text(?:ed)? | whats\ ?app | contact(?:ed)?
            | reach(?:ed)? | fax | ring | dial | sms | ph | mob | number | home | work | office )\b )
  | (?P<version> 版本 | 固件 | 系统 | 升级 | 更新
      | \b(?: versions? | v(?=[\s.\d]) | ver | build | release | sdk | app | driver )\b )
  | (?P<ip> \bip(?:v[46])?\b | ip地址 | \bserver\b | \bhost\b | 服务器 | 主机 | logged\ in | 登录 )
  | (?P<plate> 车牌 | 号牌 | 停车 | 违章 | 罚单 | 过户 | 年检 | 行驶证 | 驾照 | 加油 | 保养 | 车
      | \b(?: etc | plate | licen[cs]e | car )\b )
  )
  # "order number" is one cue, not also a phone's "number"
  (?: \s? (?: numbers?\b | num\b | no\b\.? | id\b | \# | 号码 | 号 | 编号 ))?
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,  # ASCII: a Chinese character also ends an English word
)


def cue_before(text: str, start: int) -> str | None:
    """Return the name of the nearest cue before `start` in the same clause: phone, card, order, id, … or None."""
    window = text[max(0, start - _REACH) : start]
    clauses = [match.end() for match in _CLAUSE_END.finditer(window)]
    if clauses:
        window = window[clauses[-1] :]
    found = None
    for match in _CUES.finditer(window):
        found = match.lastgroup
    return found


def cue_after(text: str, end: int) -> str | None:
    """Return the name of the first cue right after `end`, before the clause ends: "138… is my phone"."""
    window = text[end : end + _AFTER]
    stop = _CLAUSE_OR_COMMA.search(window)
    match = _CUES.search(window, 0, stop.start() if stop else len(window))
    return match.lastgroup if match else None


def has_cue(text: str, kind: str, near: int) -> bool:
    """Say whether a cue of this kind stands before or after an offset, as far as a message speaks of one thing."""
    window = text[max(0, near - 2 * _REACH) : near + 2 * _REACH]
    return any(match.lastgroup == kind for match in _CUES.finditer(window))
