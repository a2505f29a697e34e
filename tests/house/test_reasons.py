"""Why something could not be read or sent is said in Chinese, too: the console has words for every such reason."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORDS = ROOT / "web/apps/console/src/texts/zh/reasons.ts"
READING = [*ROOT.glob("src/kefu/knowledge/parsing/*.py"), ROOT / "src/kefu/knowledge/fetch.py"]
SENDING = [
    *ROOT.glob("src/kefu/channels/*/*.py"),
    *(ROOT / "src/kefu" / name for name in ("channels/http.py", "gateway/outbox.py", "desk/webhooks/sending.py")),
    ROOT / "src/kefu/knowledge/guarded_http.py",
]
# What tells a reason: an error, or a line of a report.
TELLING = {"Unreadable", "_Refused", "BadInput", "TooLarge", "fail", "stop"}
NOT_SENDING = {
    *("AddressRefused", "Answered", "NotFound", "NotKnown", "NotSent", "QuotaUsedUp", "RefusedForEver", "TryLater"),
    "Unavailable",
}


def sentence(node: ast.expr) -> str | None:
    """A string as it stands in the code, `{}` for each value put into it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def told() -> Iterator[str]:
    for path, telling in [*((path, TELLING) for path in READING), *((path, NOT_SENDING) for path in SENDING)]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in telling:
                ending = "; {} of {} pages were not read." if name == "stop" else ""
                yield from (said + ending for each in node.args if (said := sentence(each)) and said[0].isupper())


def test_every_reason_has_its_words_in_chinese() -> None:
    said = re.findall(r'\[\s*"((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)",?\s*\]', WORDS.read_text(encoding="utf-8"))
    words = dict(said)
    assert len(words) == len(said) > 50
    assert sorted(set(told()) - set(words)) == []
    assert [each for each, chinese in words.items() if each.count("{}") != chinese.count("{}")] == []
