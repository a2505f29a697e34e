"""Why something could not be read, sent or done is said in Chinese, too: the console has words for all such reasons."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from kefu.brain.flow.yaml_text import WHY
from kefu.brain.texts import BUILT_IN

ROOT = Path(__file__).parents[2]
WORDS = ROOT / "web/apps/console/src/texts/zh/reasons.ts"
READING = [*ROOT.glob("src/kefu/knowledge/parsing/*.py"), ROOT / "src/kefu/knowledge/fetch.py"]
SENDING = [
    *ROOT.glob("src/kefu/channels/*/*.py"),
    *(ROOT / "src/kefu" / name for name in ("channels/http.py", "gateway/outbox.py", "desk/webhooks/sending.py")),
    ROOT / "src/kefu/desk/inbox/delivering.py",
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


def calls(path: Path, telling: set[str]) -> Iterator[tuple[str, list[str]]]:
    """The calls of a module that tell something, with the sentences among their arguments."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in telling:
                yield name, [said for each in node.args if (said := sentence(each))]


def told() -> Iterator[str]:
    for path, telling in [*((path, TELLING) for path in READING), *((path, NOT_SENDING) for path in SENDING)]:
        for name, sentences in calls(path, telling):
            ending = "; {} of {} pages were not read." if name == "stop" else ""
            yield from (said + ending for said in sentences if said[0].isupper())


def mistakes() -> Iterator[str]:
    for path in sorted((ROOT / "src/kefu/brain/flow").glob("*.py")):
        for _, sentences in calls(path, {"problem", "_note", "Problem", "BadTemplate"}):
            yield from (said for said in sentences if (" " in said and said[0] in "{*") or said[0].isupper())


def known(words: Path, least: int = 50) -> dict[str, str]:
    said = re.findall(r'\[\s*"((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)",?\s*\]', words.read_text(encoding="utf-8"))
    words_by_sentence = {english.replace("\\\\", "\\"): chinese for english, chinese in said}
    assert len(words_by_sentence) == len(said) >= least
    assert [each for each, chinese in words_by_sentence.items() if each.count("{}") != chinese.count("{}")] == []
    return words_by_sentence


def test_every_reason_has_its_words_in_chinese() -> None:
    assert sorted(set(told()) - set(known(WORDS))) == []


def test_every_refusal_of_sound_has_its_words_in_chinese() -> None:
    words = known(WORDS.with_name("sounds.ts"), least=5)
    heard = calls(ROOT / "src/kefu/knowledge/sound/decode.py", {"BadInput", "TooLarge"})
    spoken = calls(ROOT / "src/kefu/desk/aloud.py", {"BadInput"})
    sentences = {said for _, those in (*heard, *spoken) for said in those}
    assert sentences - set(words) == {"There is no sound format {}. Known: {}."}  # the console asks for none


def test_every_bad_row_and_recipe_has_its_words_in_chinese() -> None:
    words = known(WORDS.with_name("training.ts"))
    files = sorted((ROOT / "src/kefu/knowledge/labels").glob("*.py"))
    rows = {each for file in files for _, sentences in calls(file, {"BadRow"}) for each in sentences}
    recipes = sorted((ROOT / "src/kefu/factory/recipes").glob("*/manifest.toml"))
    titles = {tomllib.loads(each.read_text(encoding="utf-8"))["title"] for each in recipes}
    assert sorted((rows | titles) - set(words) - {"", "file", "examples"}) == []


def fits(said: str, patterns: dict[str, str]) -> bool:
    return any(re.fullmatch("(.+)".join(map(re.escape, each.split("{}"))), said, re.DOTALL) for each in patterns)


def test_every_mistake_in_a_flow_has_its_words_in_chinese() -> None:
    words = known(WORDS.with_name("mistakes.ts"))
    assert sorted({said for said in mistakes() if not fits(said, words)}) == []
    assert {f"This is not YAML: {why}." for why in WHY.values()} - set(words) == set()


def test_every_conflict_has_its_words_in_chinese() -> None:
    files = sorted((ROOT / "src/kefu/desk").rglob("*.py"))
    telling = {"Conflict", "DraftChanged", "SuiteFailed"}
    said = {each for file in files for _, sentences in calls(file, telling) for each in sentences}
    assert sorted(said - set(known(WORDS.with_name("conflicts.ts")))) == []


def test_every_sentence_of_the_assistant_has_its_name_in_the_console() -> None:
    for language in ("en", "zh"):
        words = (WORDS.parents[1] / language / "assistant.ts").read_text(encoding="utf-8")
        named = set(re.findall(r'"sentence\.(\w+)":', words))
        assert set(BUILT_IN[language]) - named == set()
