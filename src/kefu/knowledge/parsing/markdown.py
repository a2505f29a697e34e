"""Markdown: rendered, so that the text has no markup but keeps headings, lists, tables, code and addresses."""

import re
from collections.abc import Sequence
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from selectolax.lexbor import LexborHTMLParser

from kefu.knowledge.parsing.characters import decode
from kefu.knowledge.parsing.document import File, ParseLimits, ParseResult, Unreadable
from kefu.knowledge.parsing.html import remove_hidden
from kefu.knowledge.parsing.html_text import PageText
from kefu.knowledge.parsing.outline import Outline, too_long

_FRONT_MATTER = re.compile(r"\A(---|\+\+\+)[ \t]*\r?\n(.*?\r?\n)??\1[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title\s*[:=]\s*(.+?)\s*$", re.MULTILINE)
# Hugo's and similar calls into a site's templates: `{{< copyable "shell" >}}`, `{{% note %}}`.
_SHORTCODE = re.compile(r"\{\{[<%][^\n]{0,300}?[>%]\}\}")
# `mysql -u <user>`: a writer's placeholder, which Markdown takes for an unknown element and a browser would not show.
_PLACEHOLDER = re.compile(r"</?([a-z][a-z0-9_-]*)>")
_HTML_TAGS = frozenset(
    """
    a abbr address article aside b bdi bdo blockquote br button caption center cite code col colgroup dd del details
    dfn div dl dt em figcaption figure font footer form h1 h2 h3 h4 h5 h6 header hr i iframe img input ins kbd label
    li link main mark meta nav ol p picture pre q s samp script section select small source span strike strong style
    sub summary sup svg table tbody td template textarea tfoot th thead time title tr tt u ul var video wbr
    """.split()
)


def parse_markdown(file: File, limits: ParseLimits) -> ParseResult:
    """CommonMark with tables. Front matter is left out, but its title is the document's."""
    source = decode(file.data)
    if len(source) > limits.characters:
        raise Unreadable(too_long(limits.characters))
    front = _FRONT_MATTER.match(source)
    title = _title(front.group(2) or "") if front else None
    source = _SHORTCODE.sub("", source[front.end() :] if front else source)
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    parser.add_render_rule("html_inline", _html_inline)
    tree = LexborHTMLParser(f"<body>{parser.render(source)}</body>")
    remove_hidden(tree)
    for node in tree.css("script, style, template, iframe, svg"):
        node.decompose()
    outline = Outline(limits)
    if tree.body is not None:
        PageText(outline, base_url=file.url).add(tree.body)
    return ParseResult((outline.document(file, "text/markdown", title),))


def _title(front_matter: str) -> str | None:
    found = _TITLE.search(front_matter)
    return found.group(1).strip("\"'") if found else None


def _html_inline(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: object, env: object) -> str:
    content = tokens[at].content
    placeholder = _PLACEHOLDER.fullmatch(content)
    return escape(content) if placeholder and placeholder.group(1) not in _HTML_TAGS else content
