"""Replies, conditions and values of flows: Jinja2 with nothing left in it that could reach an object or run away.

Only the kinds of expression in `_ALLOWED` are let through, before anything is compiled: no calls, no assignment, no
imports, no macros, no powers. Attributes and indexes look into plain data only. What is left cannot loop for long
(100 items, two loops deep) or grow (4,000 characters out, 10,000 in between). Text out is plain: channels that send
HTML escape it as they do with any other text.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from kefu.brain.flow import filters, spoken
from kefu.contracts.flow import Json
from kefu.kit.errors import BadInput

if TYPE_CHECKING:
    from jinja2 import Template, nodes
    from jinja2.sandbox import SandboxedEnvironment

_Came = TypeVar("_Came")

# A source longer than a long e-mail is a mistake; a message longer than what channels carry is cut by them anyway.
LONGEST_SOURCE, LONGEST_TEXT = 8000, 4000
_MOST_ITEMS, _DEEPEST_LOOP, _DEEPEST_EXPRESSION = 100, 2, 40
# Integers beyond this are no quantity of anything, and multiplying them takes time that grows with their length.
_LARGEST = 10**18
# No company's answer that a flow can use is nested deeper; state is copied and stored level by level.
_DEEPEST_DATA = 20
_LOOP = frozenset({"index", "index0", "first", "last", "length"})
_OPERATORS = ("+", "-", "*", "/", "//", "%")
_TESTS = frozenset(
    "defined undefined none number string mapping sequence boolean true false odd even in eq ne lt le gt ge".split()
)
# Names that stand for the template itself.
_JINJAS_OWN = frozenset({"self", "super", "caller", "varargs", "kwargs", "context", "environment"})
_ALLOWED = frozenset(
    (
        "Template Output TemplateData Name Const Getattr Getitem Slice If For Filter Test Compare Operand And Or Not"
        " Add Sub Mul Div FloorDiv Mod Concat Neg Pos CondExpr List Tuple Dict Pair"
    ).split()
)


class BadTemplate(BadInput):
    """A template or condition that cannot be used; `line` counts from 1 inside it."""

    code = "bad_template"

    def __init__(self, sentence: str, line: int = 1) -> None:
        super().__init__(sentence, line=line)
        self.line = line


class TemplateFailed(BadInput):
    """A template that is well made but came to nothing with these values."""

    code = "template_failed"


def render(source: str, names: Mapping[str, Any], *, said: str | None = None) -> str:
    """The text of a template; with `said`, a language, values stand in it as people say them.

    Without it they stand as they are kept, as tools want them. Raises BadTemplate, TemplateFailed.
    """
    if "{" not in source:
        return source[:LONGEST_TEXT]
    checked = text_template(source)
    pieces: list[str] = []
    length = 0

    def gather() -> None:
        nonlocal length
        template = checked.compiled
        for piece in template.root_render_func(template.new_context({**names, spoken.SAID: said})):
            pieces.append(piece)
            length += len(piece)
            if length > LONGEST_TEXT:
                return

    _guarded(gather, source)
    return "".join(pieces)[:LONGEST_TEXT].strip()


def evaluate(source: str, names: Mapping[str, Any]) -> Json:
    """The value of an expression (no braces), as plain data. Raises BadTemplate, TemplateFailed."""
    expression = value_template(source)

    def run() -> Json:
        context = expression.compiled.new_context(dict(names))
        for _ in expression.compiled.root_render_func(context):
            pass
        return plain(context.vars["value"])

    return _guarded(run, source)


def fill(value: Json, names: Mapping[str, Any]) -> Json:
    """Plain data with its templates filled in: "{{ expression }}" alone keeps its type, other texts stay texts."""
    if isinstance(value, str):
        inner = sole_expression(value)
        return evaluate(inner, names) if inner is not None else render(value, names)
    if isinstance(value, list):
        return [fill(item, names) for item in value]
    if isinstance(value, dict):
        return {key: fill(item, names) for key, item in value.items()}
    return value


def sole_expression(value: str) -> str | None:
    """What stands between the braces of a text that is one expression and nothing else."""
    text = value.strip()
    if not (text.startswith("{{") and text.endswith("}}")):
        return None
    inner = text[2:-2]
    return None if "}}" in inner or "{{" in inner or "{%" in inner else inner.strip().strip("-").strip()


def names_in(value: Json) -> frozenset[str]:
    """The names that the templates in plain data refer to. Raises BadTemplate."""
    if isinstance(value, str):
        inner = sole_expression(value)
        if inner is not None:
            return value_template(inner).names
        return text_template(value).names if "{" in value else frozenset()
    if isinstance(value, list):
        return frozenset().union(*(names_in(item) for item in value))
    if isinstance(value, dict):
        return frozenset().union(*(names_in(item) for item in value.values()))
    return frozenset()


def plain(value: Any, depth: int = 0) -> Json:
    """A value as JSON could hold it; whatever else it is, and what lies 20 levels deep, becomes null."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)  # a plain one, whatever it was to be said as
    if isinstance(value, int | float):
        return value if abs(value) <= _LARGEST else None
    if depth < _DEEPEST_DATA and isinstance(value, Mapping):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if depth < _DEEPEST_DATA and isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    return None


@dataclass(frozen=True)
class Checked:
    """A template that was let through; compiled when first run."""

    tree: "nodes.Template"
    names: frozenset[str]

    @cached_property
    def compiled(self) -> "Template":
        return _environment().from_string(self.tree)


@lru_cache(maxsize=8192)
def text_template(source: str) -> Checked:
    """A checked template of text. Raises BadTemplate."""
    tree = _parsed(source, lambda: _environment().parse(source))
    return Checked(tree, _checked(tree))


@lru_cache(maxsize=8192)
def value_template(source: str) -> Checked:
    """A checked expression, which leaves its value in `value`. Raises BadTemplate."""
    from jinja2 import nodes
    from jinja2.parser import Parser

    def parse() -> nodes.Expr:
        parser = Parser(_environment(), source, state="variable")
        expression = parser.parse_expression()
        if not parser.stream.eos:
            raise BadTemplate(f"{source!r} is more than one expression.")
        return expression

    expression = _parsed(source, parse)
    names = _checked(expression)
    target = nodes.Name("value", "store", lineno=1)
    tree = nodes.Template([nodes.Assign(target, expression, lineno=1)], lineno=1)
    tree.set_environment(_environment())
    return Checked(tree, names)


def _parsed(source: str, parse: Callable[[], Any]) -> Any:
    from jinja2 import TemplateError, TemplateSyntaxError

    if len(source) > LONGEST_SOURCE:
        raise BadTemplate(f"A template may have {LONGEST_SOURCE} characters; this one has {len(source)}.")
    try:
        return parse()
    except TemplateSyntaxError as error:
        raise BadTemplate(f"{error.message or 'It cannot be read'}.".replace("..", "."), error.lineno) from None
    except (TemplateError, RecursionError, ValueError, OverflowError, MemoryError) as error:
        raise BadTemplate(f"It cannot be read: {type(error).__name__}.") from None


def _guarded(run: Callable[[], _Came], source: str) -> _Came:
    """What a template comes to; whatever goes wrong in it (1/0, None < 3, "a" + 1) is one kind of error."""
    try:
        return run()
    except BadInput:
        raise
    except Exception as error:
        raise TemplateFailed(
            f"{source[:80]!r} cannot be worked out with these values: {type(error).__name__}.", cause=str(error)[:200]
        ) from None


def _checked(tree: "nodes.Node") -> frozenset[str]:
    """Refuse whatever is not allowed, bound every loop, and give the names that are not the template's own."""
    from jinja2 import nodes

    free: set[str] = set()

    def visit(node: nodes.Node, own: frozenset[str], loops: int, depth: int) -> None:
        _refuse(node, depth)
        if isinstance(node, nodes.Name):
            if node.name not in own:
                free.add(node.name)
            return
        if isinstance(node, nodes.For):
            if loops == _DEEPEST_LOOP or node.recursive:
                raise BadTemplate("Loops may be two deep and not recursive.", node.lineno)
            visit(node.iter, own, loops, depth + 1)
            inside = own | {name.name for name in node.target.find_all(nodes.Name)} | {"loop"}
            if isinstance(node.target, nodes.Name):
                inside |= {node.target.name}
            _refuse_hidden(inside - own, node.lineno)
            node.iter = nodes.Filter(node.iter, "_few", [], [], None, None, lineno=node.lineno)
            for child in (*node.body, *node.else_, *([node.test] if node.test else [])):
                visit(child, inside, loops + 1, depth + 1)
            return
        for child in node.iter_child_nodes():
            visit(child, own, loops, depth + 1)

    visit(tree, frozenset(), 0, 0)
    tree.set_environment(_environment())
    return frozenset(free)


def _refuse(node: "nodes.Node", depth: int) -> None:
    from jinja2 import nodes

    kind = type(node).__name__
    if depth > _DEEPEST_EXPRESSION:
        raise BadTemplate("It is nested too deeply; work it out in a set step first.", node.lineno)
    if kind not in _ALLOWED:
        raise BadTemplate(f"{_SPOKEN.get(kind, kind)} cannot be used in a flow's templates.", node.lineno)
    if isinstance(node, nodes.Name):
        _refuse_hidden({node.name}, node.lineno)
    if isinstance(node, nodes.Getattr):
        _refuse_hidden({node.attr}, node.lineno)
    if isinstance(node, nodes.Filter) and node.name not in filters.FILTERS:
        raise BadTemplate(
            f"There is no filter {node.name!r}. Filters: {', '.join(sorted(filters.FILTERS))}.", node.lineno
        )
    if isinstance(node, nodes.Filter | nodes.Test) and (node.dyn_args or node.dyn_kwargs):
        raise BadTemplate("Arguments must be written out.", node.lineno)
    if isinstance(node, nodes.Test) and node.name not in _TESTS:
        raise BadTemplate(f"There is no test {node.name!r}. Tests: {', '.join(sorted(_TESTS))}.", node.lineno)


def _refuse_hidden(names: set[str] | frozenset[str], line: int) -> None:
    hidden = sorted(name for name in names if name.startswith("_") or name in _JINJAS_OWN)
    if hidden:
        raise BadTemplate(f"The name {hidden[0]!r} cannot be used; it begins with _ or is the template's own.", line)


_SPOKEN = {
    "Call": "A call such as name()",
    "Pow": "The power **",
    "Assign": "{% set %}",
    "AssignBlock": "{% set %}",
    "Macro": "{% macro %}",
    "Import": "{% import %}",
    "FromImport": "{% from %}",
    "Include": "{% include %}",
    "Extends": "{% extends %}",
    "Block": "{% block %}",
    "CallBlock": "{% call %}",
    "FilterBlock": "{% filter %}",
    "With": "{% with %}",
}


@lru_cache(maxsize=1)
def _environment() -> "SandboxedEnvironment":
    """One environment for all: it holds no globals, so templates of different workspaces share nothing."""
    from jinja2 import ChainableUndefined, pass_context
    from jinja2.runtime import LoopContext
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class _PlainDataOnly(ImmutableSandboxedEnvironment):
        """Looks into dicts, lists and texts, calls nothing, and computes with small things only."""

        intercepted_binops = frozenset(_OPERATORS)

        def getattr(self, obj: Any, attribute: str) -> Any:
            if type(obj) is dict:
                return obj.get(attribute, self.undefined(name=attribute))
            if isinstance(obj, LoopContext) and attribute in _LOOP:
                return getattr(obj, attribute)
            return self.undefined(name=attribute)

        def getitem(self, obj: Any, argument: Any) -> Any:
            if type(obj) is dict and isinstance(argument, str | int):
                return obj.get(argument, self.undefined(name=str(argument)))
            if isinstance(obj, list | tuple | str) and isinstance(argument, int | slice):
                try:
                    return obj[argument]
                except (IndexError, TypeError):
                    return self.undefined(name="item")
            return self.undefined(name="item")

        def is_safe_callable(self, obj: Any) -> bool:
            return False

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            return filters.compute(self.binop_table[operator], operator, left, right)

    environment = _PlainDataOnly(
        undefined=ChainableUndefined, autoescape=False, optimized=False, cache_size=0, finalize=pass_context(_shown)
    )
    environment.globals.clear()
    # These follow the language of the conversation, and whether a text is for people.
    following = {"date": pass_context(filters.dated), "join": pass_context(filters.joined)}
    environment.filters = {**filters.FILTERS, **following, "_few": filters.few(_MOST_ITEMS)}
    environment.tests = {name: test for name, test in environment.tests.items() if name in _TESTS}
    return environment


def _shown(context: Mapping[str, Any], value: Any) -> str:
    """What stands in a text for a value: nothing for null, and nothing for whatever is not plain data."""
    from jinja2 import Undefined

    if isinstance(value, Undefined) or value is None:
        return ""
    language = context.get(spoken.SAID)
    if isinstance(language, str):
        simple = value if isinstance(value, str | int | float) else plain(value)
        return spoken.said(simple, language)[:LONGEST_TEXT]
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    return "" if plain(value) is None else str(plain(value))[:LONGEST_TEXT]
