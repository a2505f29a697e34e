"""Where a person is found online: e-mail, IP addresses, WeChat and QQ accounts."""

import ipaddress
import re
from collections.abc import Iterator

from kefu.knowledge.masking.context import cue_before
from kefu.knowledge.masking.entity import Entity
from kefu.knowledge.masking.letters import CJK

_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![A-Za-z0-9])"
_LOCAL = r"[A-Za-z0-9](?:[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\-]{0,63})"
_EMAIL = re.compile(rf"(?P<han>[{CJK}]{{0,8}})(?P<local>{_LOCAL}|(?<=[{CJK}]))@{_DOMAIN}")
# "j.smith (at) example (dot) com": written so as not to be found, which is a reason to find it.
_SPELT_EMAIL = re.compile(
    r"(?<![\w.])[A-Za-z0-9][\w.+\-]{1,40}\s?(?:[(\[{]\s?at\s?[)\]}]|\sat\s)\s?"
    r"[A-Za-z0-9\-]+(?:\s?(?:[(\[{]\s?dot\s?[)\]}]|\sdot\s)\s?[A-Za-z0-9\-]+)+",
    re.IGNORECASE,
)
# Chinese characters before the "@" are mostly the sentence, not the address. These are what accounts are called.
_ACCOUNT = re.compile(r"(?:用户|客户|会员|游客|买家|测试)$")  # and a number: 用户0186@…
_SENTENCE = re.compile(r"[到给是为成至在往向寄发了和或与及跟把将请即换改的箱址系件我你他她]")

_IPV4 = re.compile(
    r"(?<![A-Za-z0-9_.\-])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![A-Za-z0-9_\-]|\.\d)"
)
_IPV6 = re.compile(
    r"(?<![A-Za-z0-9:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?![A-Za-z0-9:])"
)

_ACCOUNT_LINK = r"(?:\s|号|账|帐|码|id|是|为|叫|:|加|就|搜|handle|account|username|is|at|\(|【|\[|“|\"|-)"
_WECHAT = re.compile(
    rf"(?:微信|薇信|威信|徽信|we\s?chat|weixin|(?<![A-Za-z])(?:wx|vx|v信))(?P<link>(?:{_ACCOUNT_LINK}{{0,12}}|[{CJK}，,：:\s]{{0,8}}))"
    r"(?P<name>(?<![A-Za-z0-9_])[A-Za-z][A-Za-z0-9_\-]{5,19})(?![A-Za-z0-9_@])",
    re.IGNORECASE,
)
_WECHAT_ALONE = re.compile(
    r"(?<![A-Za-z0-9_])(?:wxid_[a-z0-9]{6,}|wx_(?=[a-z_]*\d)[a-z0-9_]{4,16})(?![A-Za-z0-9_@])", re.IGNORECASE
)
# WeChat also pays, carries groups and small programs; what follows then is an order number or an app.
_NO_ACCOUNT = re.compile(r"支付|付款|转账|红包|提现|零钱|订单|单号|小程序|公众号|群|版本|商户|交易|流水|登录|更新")
_SAYS_ACCOUNT = re.compile(r"号|账|帐|id|handle|username|:|搜", re.IGNORECASE)
_QQ = re.compile(
    rf"(?:(?<![A-Za-z])qq|扣扣|企鹅|(?:加|我的?)q)(?!群|音乐|邮箱|游戏){_ACCOUNT_LINK}{{0,12}}(?P<name>(?<!\d)[1-9]\d{{4,10}})(?![A-Za-z0-9@]|\.\d)",
    re.IGNORECASE,
)


def find_emails(text: str) -> Iterator[Entity]:
    """Yield e-mail addresses in a plain-form text; the call is worth making only if it holds "@" or "at"."""
    for match in _EMAIL.finditer(text):
        start = match.start() + _sentence_length(match["han"], match["local"])
        if text[start] != "@":
            yield Entity(start, match.end(), "EMAIL", text[start : match.end()])


def _sentence_length(han: str, local: str) -> int:
    """Return how many of the Chinese characters before a local part are sentence, not address."""
    account = _ACCOUNT.search(han)
    if account and local[:1].isdigit():
        return account.start()
    if local:
        return len(han)
    ends = [match.end() for match in _SENTENCE.finditer(han)]
    return ends[-1] if ends else 0


def find_spelt_emails(text: str) -> Iterator[Entity]:
    """Yield addresses spelt with "at" and "dot"."""
    for match in _SPELT_EMAIL.finditer(text):
        yield Entity(match.start(), match.end(), "EMAIL", match[0])


def find_ips(text: str) -> Iterator[Entity]:
    """Yield IP addresses, version 4 and 6. Four numbers after "version" are a version."""
    for match in _IPV4.finditer(text):
        if cue_before(text, match.start()) not in ("version", "order"):
            yield Entity(match.start(), match.end(), "IP", match[0])
    if text.count(":") < 2:
        return
    for match in _IPV6.finditer(text):
        if _is_ipv6(match[0]):
            yield Entity(match.start(), match.end(), "IP", match[0])


def _is_ipv6(text: str) -> bool:
    """Times ("12:30:45") and C++ names are no addresses: ask for a valid one with at least three groups in it."""
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return len([group for group in text.split(":") if group]) >= 3 or text == "::1"


def find_wechat(text: str) -> Iterator[Entity]:
    """Yield WeChat account names. One made of letters alone may be an ordinary word, so it needs "号", "ID" or ":"."""
    for match in _WECHAT.finditer(text):
        name = match["name"]
        if _NO_ACCOUNT.search(match["link"]):
            continue
        if any(not character.isalpha() for character in name) or _SAYS_ACCOUNT.search(match["link"]):
            yield Entity(match.start("name"), match.end(), "WECHAT", name)
    for match in _WECHAT_ALONE.finditer(text):
        yield Entity(match.start(), match.end(), "WECHAT", match[0])


def find_qq(text: str) -> Iterator[Entity]:
    """Yield QQ account numbers."""
    for match in _QQ.finditer(text):
        yield Entity(match.start("name"), match.end(), "QQ", match["name"])
