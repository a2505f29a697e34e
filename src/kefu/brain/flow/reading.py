"""A flow's YAML nodes to dataclasses; what cannot be read is a problem with its line, and reading goes on."""

import difflib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from kefu.contracts.flow import Choice, Json, Remember, Texts, Words
from kefu.contracts.flow_state import Problem

if TYPE_CHECKING:
    import yaml

Path = tuple[str, ...]
# Nobody mends more at once, and looking for what was meant takes time.
MOST_PROBLEMS = 100
ID = re.compile(r"[a-z][a-z0-9_-]{0,63}")
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_DAYS = re.compile(r"(\d{1,4}) days?")
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")


class Reader:
    """Reads nodes, remembers where everything stood, and collects problems."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.places: dict[Path, tuple[int, int]] = {}
        self.languages: tuple[str, ...] = ()

    def problem(self, code: str, sentence: str, fix: str, at: "yaml.Node | Path", *, severity: str = "error") -> None:
        """Note a problem at a node, or at the place of a path (the nearest that is known)."""
        if len(self.problems) >= MOST_PROBLEMS:
            return
        step = at[1] if isinstance(at, tuple) and len(at) > 1 and at[0] == "step" else None
        line, column = self.place(at) if isinstance(at, tuple) else _place(at)
        found = Problem(code, sentence, fix, line, column, "warning" if severity == "warning" else "error", step)
        if found not in self.problems:
            self.problems.append(found)

    def place(self, path: Path) -> tuple[int, int]:
        """Line and column of a path, or of the nearest one around it that is known."""
        while path:
            if path in self.places:
                return self.places[path]
            path = path[:-1]
        return 1, 1

    def fields(self, node: "yaml.Node", path: Path, allowed: Iterable[str], what: str) -> "Fields":
        """A mapping's values by key; keys that are unknown or there twice are problems."""
        self.places.setdefault(path, _place(node))
        pairs = self.pairs(node, what)
        known = tuple(allowed)
        table: dict[str, yaml.Node] = {}
        for key, key_node, value in pairs:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                fix = f"Did you mean {near[0]!r}?" if near else f"Known here: {', '.join(known)}."
                self.problem("unknown_key", f"{what} has no {key!r}.", fix, key_node)
                continue
            self.places[(*path, key)] = _place(value)
            table[key] = value
        return Fields(self, path, table)

    def pairs(self, node: "yaml.Node", what: str) -> "list[tuple[str, yaml.Node, yaml.Node]]":
        """A mapping's keys, key nodes and values, each key once."""
        import yaml

        if not isinstance(node, yaml.MappingNode):
            self.problem("wrong_type", f"{what} must be lines of key: value.", "Write key: value, indented.", node)
            return []
        pairs: dict[str, tuple[str, yaml.Node, yaml.Node]] = {}
        for key_node, value in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.problem("wrong_type", "A key must be a word.", "Put {{ }} in quotes.", key_node)
                continue
            key = str(key_node.value)
            if key in pairs:
                self.problem("duplicate_key", f"{key!r} is there twice.", "Keep one of them.", key_node)
                continue
            pairs[key] = (key, key_node, value)
        return list(pairs.values())

    def items(self, node: "yaml.Node", what: str) -> "list[yaml.Node]":
        """A list's nodes; a single value counts as a list of one."""
        import yaml

        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        if isinstance(node, yaml.ScalarNode) and node.value != "":
            return [node]
        if not isinstance(node, yaml.ScalarNode):
            self.problem("wrong_type", f"{what} must be a list.", "Write each item on a line with - before it.", node)
        return []

    def text(self, node: "yaml.Node", what: str) -> str:
        """A scalar as it is written, whatever YAML takes it for: `no`, `11:00` and `2026-12-01` are texts here."""
        import yaml

        if isinstance(node, yaml.ScalarNode):
            return str(node.value).rstrip("\n")
        if isinstance(node, yaml.MappingNode) and node.flow_style:
            fix = "A text that begins with { must be in quotes."
        else:
            fix = "Write it on one line, or after | on several."
        self.problem("wrong_type", f"{what} must be a text.", fix, node)
        return ""

    def name(self, node: "yaml.Node", what: str, pattern: re.Pattern[str] = NAME) -> str:
        """A name of small letters, digits and _ (ids also -)."""
        written = self.text(node, what)
        if written and not pattern.fullmatch(written):
            allowed = "small letters, digits, _" + (" and -" if pattern is ID else "")
            self.problem(
                "bad_name",
                f"{written!r} cannot be {what}.",
                f"Use {allowed}, and a letter first; 64 at most.",
                node,
            )
        return written

    def whole(self, node: "yaml.Node", what: str, low: int, high: int, instead: int) -> int:
        """A whole number within bounds."""
        written = self.text(node, what)
        if re.fullmatch(r"-?\d{1,9}", written) and low <= int(written) <= high:
            return int(written)
        self.problem("wrong_type", f"{what} must be a whole number.", f"From {low} to {high}.", node)
        return instead

    def truth(self, node: "yaml.Node", what: str) -> bool:
        """true or false."""
        written = self.text(node, what).lower()
        if written not in (*_TRUE, *_FALSE):
            self.problem("wrong_type", f"{what} must be true or false.", "Write true or false.", node)
        return written in _TRUE

    def one_of(self, node: "yaml.Node", what: str, words: tuple[str, ...], instead: str) -> str:
        """One of few words."""
        written = self.text(node, what)
        if written in words:
            return written
        near = difflib.get_close_matches(written, words, 1)
        fix = f"Did you mean {near[0]!r}?" if near else f"Write one of: {', '.join(words)}."
        self.problem("unknown_value", f"{written!r} is no {what}.", fix, node)
        return instead

    def texts(self, node: "yaml.Node", path: Path, what: str) -> Texts:
        """A text in each language of the flow; in a flow of one language also a plain text."""
        import yaml

        self.places[path] = _place(node)
        if isinstance(node, yaml.ScalarNode):
            if len(self.languages) == 1:
                return {self.languages[0]: self.text(node, what)}
            listed = ", ".join(f"{language}: ..." for language in self.languages)
            self.problem("missing_language", f"{what} must be in each language.", f"Write {{{listed}}}.", node)
            return {}
        texts: dict[str, str] = {}
        for language, key_node, value in self.pairs(node, what):
            self.places[(*path, language)] = _place(value)
            if not _LANGUAGE.fullmatch(language):
                self.problem("bad_language", f"{language!r} is no language code.", "Use en, zh and the like.", key_node)
                continue
            texts[language] = self.text(value, what)
        self.languages_of(texts, path, what)
        return texts

    def languages_of(self, texts: Texts, path: Path, what: str) -> None:
        """Note the flow's languages that a text lacks, and those it has for nothing."""
        for language in self.languages:
            if not texts.get(language):
                self.problem("missing_language", f"{what} has no text in {language!r}.", f"Add {language}: ...", path)
        for language in texts:
            if language not in self.languages:
                fix = f"Add {language} to languages, or leave the text out."
                self.problem("other_language", f"{what} has a text in {language!r}, the flow has not.", fix,
                             (*path, language), severity="warning")  # fmt: skip

    def words(self, node: "yaml.Node", path: Path, what: str) -> Words:
        """Words in each language, or a list for all languages."""
        import yaml

        self.places[path] = _place(node)
        if not isinstance(node, yaml.MappingNode):
            return {"*": tuple(filter(None, (self.text(each, what) for each in self.items(node, what))))}
        words: dict[str, tuple[str, ...]] = {}
        for language, key_node, value in self.pairs(node, what):
            if not _LANGUAGE.fullmatch(language) and language != "*":
                self.problem("bad_language", f"{language!r} is no language code.", "Use en, zh and the like.", key_node)
                continue
            words[language] = tuple(filter(None, (self.text(each, what) for each in self.items(value, what))))
        return words

    def names(self, node: "yaml.Node", what: str) -> tuple[str, ...]:
        """A list of names, or one."""
        return tuple(filter(None, (self.text(each, what) for each in self.items(node, what))))

    def data(self, node: "yaml.Node") -> Json:
        """Plain data; numbers, true, false and null as in JSON, everything else as text."""
        import yaml

        if isinstance(node, yaml.SequenceNode):
            return [self.data(each) for each in node.value]
        if isinstance(node, yaml.MappingNode):
            return {key: self.data(value) for key, _, value in self.pairs(node, "A value")}
        return scalar(str(node.value), plain=isinstance(node, yaml.ScalarNode) and not node.style)

    def table(self, node: "yaml.Node", path: Path, what: str) -> dict[str, Json]:
        """Plain data by name."""
        self.places[path] = _place(node)
        table: dict[str, Json] = {}
        for name, _, value in self.pairs(node, what):
            self.places[(*path, name)] = _place(value)
            table[name] = self.data(value)
        return table

    def choice(self, node: "yaml.Node", path: Path, extra: tuple[str, ...] = ()) -> "tuple[Choice, Fields]":
        """A choice, and its fields, of which `extra` may be more. A bare word is a value that is called so."""
        import yaml

        if isinstance(node, yaml.ScalarNode):
            self.places[path] = _place(node)
            return Choice(self.text(node, "A choice")), Fields(self, path, {})
        fields = self.fields(node, path, ("value", "label", "synonyms", *extra), "A choice")
        if "value" not in fields.table:
            self.problem("missing_key", "A choice has no value.", "Add value: a word for tools and conditions.", node)
        return Choice(fields.text("value"), fields.texts("label"), fields.words("synonyms")), fields

    def remember(self, node: "yaml.Node") -> Remember:
        """flow, conversation, contact, or 30 days."""
        written = self.text(node, "remember")
        days = _DAYS.fullmatch(written)
        if days is not None and int(days[1]):
            return Remember("contact", int(days[1]))
        if written in ("flow", "conversation", "contact"):
            return Remember(written)
        fix = "Write flow, conversation, contact, or a number of days such as 30 days."
        self.problem("unknown_value", f"{written!r} is no time to remember.", fix, node)
        return Remember()


class Fields:
    """A mapping's values by key; what is not there is read as its default."""

    def __init__(self, reader: Reader, path: Path, table: "dict[str, yaml.Node]") -> None:
        self.reader = reader
        self.path = path
        self.table = table

    def node(self, key: str) -> "yaml.Node | None":
        return self.table.get(key)

    def _what(self, key: str) -> str:
        return f"{key} of {self.path[1]!r}" if len(self.path) > 1 else key

    def text(self, key: str, instead: str = "") -> str:
        return (self.reader.text(self.table[key], self._what(key)) or instead) if key in self.table else instead

    def optional(self, key: str) -> str | None:
        return self.text(key) or None

    def name(self, key: str) -> str | None:
        return self.reader.name(self.table[key], "a variable") if key in self.table else None

    def names(self, key: str) -> tuple[str, ...]:
        return self.reader.names(self.table[key], self._what(key)) if key in self.table else ()

    def texts(self, key: str) -> Texts:
        return self.reader.texts(self.table[key], (*self.path, key), self._what(key)) if key in self.table else {}

    def words(self, key: str) -> Words:
        return self.reader.words(self.table[key], (*self.path, key), self._what(key)) if key in self.table else {}

    def data(self, key: str) -> dict[str, Json]:
        return self.reader.table(self.table[key], (*self.path, key), self._what(key)) if key in self.table else {}

    def truth(self, key: str, instead: bool = False) -> bool:
        return self.reader.truth(self.table[key], self._what(key)) if key in self.table else instead

    def whole(self, key: str, low: int, high: int, instead: int) -> int:
        return self.reader.whole(self.table[key], self._what(key), low, high, instead) if key in self.table else instead

    def one_of(self, key: str, words: tuple[str, ...], instead: str) -> str:
        return self.reader.one_of(self.table[key], key, words, instead) if key in self.table else instead

    def items(self, key: str) -> "list[yaml.Node]":
        return self.reader.items(self.table[key], self._what(key)) if key in self.table else []


def scalar(written: str, *, plain: bool) -> Json:
    """A scalar as JSON: in quotes it is a text, whatever it looks like."""
    if not plain:
        return written
    if written in ("", "null", "~"):
        return None
    if written in ("true", "false"):
        return written == "true"
    if re.fullmatch(r"-?(?:0|[1-9]\d{0,15})", written):
        return int(written)
    if re.fullmatch(r"-?\d{1,15}\.\d{1,15}", written):
        return float(written)
    return written


def _place(node: "yaml.Node") -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
