"""HTML of strangers, made safe for storing.

``sanitise`` is the only way in: nh3 (an allow-list over a real HTML5 parser) makes every byte that is kept.
Pictures from elsewhere keep their address in ``data-src`` and are not loaded; pictures that came with the
mail keep theirs as ``data-cid``, which the display resolves. Both have no ``src``.
"""

from __future__ import annotations

import html as entities
import re

import nh3

from channels_app.adapters.email.limits import LIMITS

TAGS = {
    "a", "abbr", "address", "article", "aside", "b", "bdi", "bdo", "big", "blockquote", "br", "caption", "center",
    "cite", "code", "col", "colgroup", "dd", "del", "details", "dfn", "dir", "div", "dl", "dt", "em", "figcaption",
    "figure", "font",
    "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "ins", "kbd", "li", "main", "mark", "ol",
    "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "section", "small", "span", "strike", "strong", "sub", "summary",
    "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "tt", "u", "ul", "var", "wbr",
}  # fmt: skip
GONE = {
    "script",
    "style",
    "title",
    "head",
    "noscript",
    "template",
    "iframe",
    "object",
    "svg",
    "math",
    "textarea",
    "select",
    "xml",
}
"""Their content goes with them."""
ATTRIBUTES: dict[str, set[str]] = {
    "*": {"style", "dir", "lang", "title", "align", "valign", "class", "id"},
    "a": {"href", "name"},
    "img": {"src", "alt", "width", "height", "border", "hspace", "vspace"},
    "table": {"width", "height", "border", "cellpadding", "cellspacing", "bgcolor", "summary", "rules", "frame"},
    "td": {"width", "height", "colspan", "rowspan", "bgcolor", "nowrap", "headers", "scope"},
    "th": {"width", "height", "colspan", "rowspan", "bgcolor", "nowrap", "headers", "scope"},
    "tr": {"bgcolor", "height"},
    "tbody": {"bgcolor"},
    "thead": {"bgcolor"},
    "col": {"width", "span"},
    "colgroup": {"width", "span"},
    "font": {"color", "face", "size"},
    "ol": {"start", "type", "reversed"},
    "ul": {"type"},
    "li": {"value", "type"},
    "hr": {"width", "size", "color", "noshade"},
    "blockquote": {"type"},
    "div": {"name"},
    "time": {"datetime"},
    "details": {"open"},
}
STYLES = {
    "background-color", "border", "border-bottom", "border-bottom-color", "border-bottom-style", "border-bottom-width",
    "border-collapse", "border-color", "border-left", "border-left-color", "border-left-style", "border-left-width",
    "border-radius", "border-right", "border-right-color", "border-right-style", "border-right-width", "border-spacing",
    "border-style", "border-top", "border-top-color", "border-top-style", "border-top-width", "border-width", "color",
    "direction", "display", "font", "font-family", "font-size", "font-style", "font-variant", "font-weight", "height",
    "letter-spacing", "line-height", "list-style-type", "margin", "margin-bottom", "margin-left", "margin-right",
    "margin-top", "max-height", "max-width", "min-width", "padding", "padding-bottom", "padding-left", "padding-right",
    "padding-top", "table-layout", "text-align", "text-decoration", "text-indent", "text-transform", "unicode-bidi",
    "vertical-align", "white-space", "width", "word-break", "word-spacing", "word-wrap",
}  # fmt: skip
SCHEMES = {"http", "https", "mailto", "tel", "cid", "data"}
LARGEST_DATA_PICTURE = 200_000
"""Characters of a picture written into the HTML itself."""
_DATA_PICTURE = re.compile(r"data:image/(?:png|jpe?g|gif|webp);base64,[A-Za-z0-9+/=\s]+", re.IGNORECASE)
_BAD_STYLE = re.compile(
    r"expression|url\s*\(|javascript|behaviou?r|binding|position|[\\<>{}@]|/\*|image-set|var\s*\(", re.IGNORECASE
)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,40})([^<>]{0,2000})")
TAG_OF_OURS = re.compile(r'<(/?)([a-z][a-z0-9]*)((?: [a-z-]+="[^"]*")*)\s*>')
ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')
# They end by themselves; a page with a thousand open paragraphs is not deep.
_IMPLIED = {
    "p", "li", "td", "tr", "th", "dt", "dd", "tbody", "thead", "tfoot", "option", "colgroup", "br", "hr", "img", "wbr",
    "col", "meta", "link", "input", "base", "area", "embed", "source", "track", "param",
}  # fmt: skip


def too_much(markup: str) -> bool:
    """More than is worth showing: too long, or nested so deep that parsers take quadratic time."""
    if len(markup) > LIMITS.html or markup.count("<") > LIMITS.html_tags:
        return True
    open_tags: dict[str, int] = {}
    depth = 0
    for closing, tag, rest in _TAG.findall(markup):
        name = tag.lower()
        if name in _IMPLIED or rest.endswith("/"):
            continue
        if not closing:
            open_tags[name] = open_tags.get(name, 0) + 1
            depth += 1
            if depth > LIMITS.html_depth:
                return True
        elif open_tags.get(name):
            open_tags[name] -= 1
            depth -= 1
    return False


def sanitise(markup: str) -> str:
    """HTML that holds nothing active and loads nothing. The caller has asked ``too_much``."""
    clean = nh3.clean(
        markup,
        tags=TAGS,
        clean_content_tags=GONE,
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        strip_comments=True,
        link_rel="noopener noreferrer nofollow",
        url_schemes=SCHEMES,
        set_tag_attribute_values={"a": {"target": "_blank"}, "img": {"loading": "lazy"}},
        filter_style_properties=STYLES,
    )
    return TAG_OF_OURS.sub(_parked, clean)


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "style":
        kept = [part for part in value.split(";") if part.strip() and not _BAD_STYLE.search(entities.unescape(part))]
        return ";".join(kept) or None
    if name in ("href", "src"):
        return _address(tag, value)
    if name in ("class", "id", "name"):
        return value[:200]
    if name == "type":
        return value if re.fullmatch(r"[A-Za-z0-9]{1,10}", value) else None
    return value[:2000]


def _address(tag: str, value: str) -> str | None:
    """A link or a picture's address, by what a browser would make of it."""
    plain = re.sub(r"[\x00-\x20]+", "", value)
    scheme = plain.partition(":")[0].lower()
    if tag != "img":
        return _link(plain, scheme, value)
    if scheme == "data":
        return plain if len(plain) <= LARGEST_DATA_PICTURE and _DATA_PICTURE.fullmatch(plain) else None
    if plain.startswith("//"):
        return "https:" + plain
    return value.strip() if scheme in ("http", "https", "cid") and ":" in plain else None


def _link(plain: str, scheme: str, value: str) -> str | None:
    """A link with a scheme of its own: a relative one would lead into our pages."""
    if ":" in plain and scheme in ("http", "https", "mailto", "tel"):
        return value.strip()
    if plain.startswith("#"):
        return plain
    if plain.startswith("//"):
        return "https:" + plain
    return "https://" + plain if plain.lower().startswith("www.") else None


def _parked(tag: re.Match[str]) -> str:
    """Ids are renamed so that they meet none of a page; pictures from elsewhere keep their address parked."""
    if not tag[3]:
        return tag[0]
    out = []
    for name, value in ATTRIBUTE.findall(tag[3]):
        if tag[2] == "img" and name == "src" and not value.lower().startswith("data:"):
            cid = value[:4].lower() == "cid:"
            out.append(f' data-cid="{value[4:]}"' if cid else f' data-src="{value}"')
        elif name in ("id", "name"):
            out.append(f' {name}="mail-{value}"')
        elif name == "href" and value.startswith("#"):
            out.append(f' href="#mail-{value[1:]}"')
        else:
            out.append(f' {name}="{value}"')
    return f"<{tag[1]}{tag[2]}{''.join(out)}>"
