"""Web pages: the main content a visitor can see, as plain text with headings."""

import codecs
import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from kefu.knowledge.parsing.characters import decode
from kefu.knowledge.parsing.document import File, ParseLimits, ParseResult
from kefu.knowledge.parsing.html_text import PageText
from kefu.knowledge.parsing.outline import Outline, first_heading, one_line

# Never content, or content that belongs to the site rather than to the page.
_DROPPED_TAGS = (
    "script, style, noscript, template, svg, math, iframe, object, embed, canvas, audio, video, nav, footer, dialog, "
    "select, input, textarea, datalist, head"
)
_DROPPED_ROLES = ", ".join(
    f'[role="{role}"]'
    for role in ("navigation", "banner", "contentinfo", "complementary", "search", "dialog", "alertdialog", "menu")
)
# What nobody sees on the page is not knowledge: it is where instructions to machines are hidden.
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?:\.0+)?\s*(?:[;!]|$)"
    r"|font-size\s*:\s*0(?:\.0+)?(?:px|pt|em|rem|%)?\s*(?:[;!]|$)|(?:text-indent|left|top|right)\s*:\s*-\d{3,}"
    r"|clip\s*:\s*rect\(\s*0|clip-path\s*:\s*inset\(\s*(?:50|100)%|(?:max-)?(?:width|height)\s*:\s*0(?:px)?\s*(?:[;!]|$)",
    re.IGNORECASE,
)
_HIDDEN_CLASS = re.compile(r"(?:^|\s)(?:sr-only|visually-hidden|visuallyhidden|screen-reader-text)(?:\s|$)")
_BOILERPLATE = re.compile(
    r"(?:^|[\s_-])(?:cookie-?(?:banner|notice|consent|bar)|breadcrumbs?|skip-(?:link|nav|to-content))(?:$|[\s_-])",
    re.IGNORECASE,
)
# Notes beside the text that belong to it, as documentation tools mark them up.
_NOTE_CLASS = re.compile(r"note|tip|warning|caution|danger|info|callout|admonition|alert", re.IGNORECASE)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_AT_BLOCK = re.compile(r"@[a-z-]+[^{};]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", re.IGNORECASE)
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w-]{3,20})", re.IGNORECASE)
# Below this share of a page's text an element is not the page's main content.
_MAIN_SHARE = 0.25
# A form with more than this share of the text wraps the page, as old ASP.NET does.
_WRAPPER_SHARE = 0.5


def parse_html(file: File, limits: ParseLimits) -> ParseResult:
    """The main content's text. Hidden elements, comments, navigation and forms are left out."""
    tree = LexborHTMLParser(decode_html(file.data))
    title_node = tree.css_first("head title") or tree.css_first("title")
    title = one_line(title_node.text()) if title_node else ""
    outline = Outline(limits)
    if tree.body is not None:
        remove_hidden(tree)
        _remove_boilerplate(tree.body)
        PageText(outline, base_url=_base_url(tree, file.url)).add(_main_content(tree.body))
    return ParseResult((outline.document(file, "text/html", title or first_heading(outline.sections)),))


def decode_html(data: bytes) -> str:
    """As `decode`, but what the page declares goes before a guess."""
    declared = _CHARSET.search(data[:4096])
    if declared and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            name = codecs.lookup(declared.group(1).decode("ascii")).name
            # Both are what browsers do: the larger sets hold the smaller, and real pages use them.
            name = {"gb2312": "gb18030", "gbk": "gb18030", "iso8859-1": "cp1252"}.get(name, name)
            if name != "utf-8" and not name.startswith("utf-16"):
                return data.decode(name)
        except (LookupError, UnicodeDecodeError, ValueError):
            pass
    return decode(data)


def remove_hidden(tree: LexborHTMLParser) -> None:
    """Take out what a visitor does not see: hidden attributes and styles, in the page's own style sheets too."""
    for selector in _hiding_selectors(tree):
        _drop(tree, selector)
    for node in tree.css("[hidden], [aria-hidden], [style], [class]"):
        attributes = node.attributes
        if (
            ("hidden" in attributes and attributes["hidden"] != "until-found")
            or attributes.get("aria-hidden") == "true"
            or _HIDDEN_STYLE.search(attributes.get("style") or "")
            or _HIDDEN_CLASS.search(attributes.get("class") or "")
        ) and node.tag not in ("html", "body"):
            node.decompose()


def _hiding_selectors(tree: LexborHTMLParser) -> list[str]:
    selectors: list[str] = []
    for style in tree.css("style"):
        # Rules for print or small screens hide what is shown elsewhere.
        sheet = _AT_BLOCK.sub(" ", _CSS_COMMENT.sub(" ", style.text()))
        for names, body in _RULE.findall(sheet):
            if _HIDDEN_STYLE.search(body) and ":" not in names:
                selectors += [
                    name.strip() for name in names.split(",") if name.strip() not in ("", "html", "body", "*")
                ]
    return selectors


def _drop(tree: LexborHTMLParser, selector: str) -> None:
    try:
        nodes = tree.css(selector)
    except Exception:  # the engine raises plain exceptions for selectors that it does not know
        return
    for node in nodes:
        if node.tag not in ("html", "body"):
            node.decompose()


def _remove_boilerplate(body: LexborNode) -> None:
    for node in body.css(f"{_DROPPED_TAGS}, {_DROPPED_ROLES}"):
        if node.tag != "body":
            node.decompose()
    for node in body.css("[id], [class]"):
        if _BOILERPLATE.search(f"{node.attributes.get('id') or ''} {node.attributes.get('class') or ''}"):
            node.decompose()
    size = _size(body)
    for form in body.css("form"):
        if _size(form) <= _WRAPPER_SHARE * size:
            form.decompose()
    for aside in body.css("aside"):
        if not _NOTE_CLASS.search(aside.attributes.get("class") or ""):
            aside.decompose()
    for header in body.css("header"):
        if header.css_first("h1") is None and not _has_ancestor(header, ("main", "article")):
            header.decompose()


def _main_content(body: LexborNode) -> LexborNode:
    """The <main> or only <article>, unless most of the text stands elsewhere."""
    size = _size(body)
    for selector in ("main", '[role="main"]', "article"):
        found = body.css(selector)
        if len(found) == 1 and _size(found[0]) >= _MAIN_SHARE * size:
            return found[0]
    return body


def _size(node: LexborNode) -> int:
    return len(" ".join(node.text().split()))


def _has_ancestor(node: LexborNode, tags: tuple[str, ...]) -> bool:
    parent = node.parent
    while parent is not None:
        if parent.tag in tags:
            return True
        parent = parent.parent
    return False


def _base_url(tree: LexborHTMLParser, url: str | None) -> str | None:
    base = tree.css_first("base[href]")
    href = base.attributes.get("href") if base else None
    return href if href and href.startswith(("http://", "https://")) else url
