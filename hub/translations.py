"""Translations without GNU gettext: extract, check and compile, all by Babel.

The English text is the msgid, so `en` is complete by nature and its catalogue holds the plurals alone. The .po
files carry no dates and no line numbers: a change of code that changes no text changes no file.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract, extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from hub.stamp import BASE_DIR, var_dir

SOURCE = "en"
# Babel takes Indonesian and Malay for languages with a plural; they have one form, as Thai has.
PLURALS = {
    SOURCE: "nplurals=2; plural=(n != 1);",
    "id": "nplurals=1; plural=0;",
    "ms": "nplurals=1; plural=0;",
    "th": "nplurals=1; plural=0;",
}
LANGUAGES = tuple(PLURALS)
APPS = ("agents", "channels_app", "customers", "hub", "reports", "surveys", "tickets")
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop", "N_")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
PLACEHOLDER = re.compile(r"%%|%\(\w+\)[sdif]|%[sdif]|\{\w*\}")
HEADER = "# {language}: made by `manage.py translations extract`; only the msgstr lines are written by hand."

Text = str | tuple[str, ...]
Found = tuple[str, Text, str | None]


def po_path(language: str, base: Path = BASE_DIR) -> Path:
    return base / "locale" / language / "LC_MESSAGES" / "django.po"


# ── Extract ──────────────────────────────────────────────────────────────────────────────────


def sources(base: Path = BASE_DIR) -> Iterator[Path]:
    """Python, templates and our own scripts; no tests, no migrations, nothing vendored."""
    for app in APPS:
        yield from (path for path in (base / app).rglob("*.py") if "migrations" not in path.parts)
    for folder in ("templates", *(f"{app}/templates" for app in APPS)):
        yield from (path for path in (base / folder).rglob("*") if path.suffix in (".html", ".txt"))
    yield from (path for path in (base / "static").rglob("*.js") if "vendor" not in path.parts)


def found_in(path: Path, name: str) -> Iterator[Found]:
    if path.suffix in (".html", ".txt"):
        # Django turns a template into something Python-like, all of it calls of gettext.
        code = templatize(path.read_text(), origin=str(path))
        items: Iterable[tuple[int, Text, list[str], str | None]] = extract(
            "python", io.BytesIO(code.encode()), KEYWORDS
        )
    else:
        method = "javascript" if path.suffix == ".js" else "python"
        items = extract_from_file(method, str(path), KEYWORDS)
    for _, text, _, context in items:
        if text and text != ("", ""):
            yield name, text, context


def template(base: Path = BASE_DIR) -> Catalog:
    """All texts there are, each with the files it stands in."""
    catalog = blank(SOURCE)
    for path in sorted(sources(base)):
        for name, text, context in found_in(path, path.relative_to(base).as_posix()):
            # No line numbers: they would change with every edit.
            known = catalog.get(text[0] if isinstance(text, tuple) else text, context)
            if known is None or (name, None) not in known.locations:
                catalog.add(text, locations=[(name, None)], context=context)
    return catalog


def blank(language: str) -> Catalog:
    comment = HEADER.format(language=language)
    return _with_plurals(Catalog(locale=language, domain="django", charset="utf-8", header_comment=comment), language)


def _with_plurals(catalog: Catalog, language: str) -> Catalog:
    catalog.mime_headers = [("Content-Type", "text/plain; charset=utf-8"), ("Plural-Forms", PLURALS[language])]
    return catalog


def read(language: str, base: Path = BASE_DIR) -> Catalog:
    path = po_path(language, base)
    if not path.exists():
        return blank(language)
    with path.open("rb") as file:
        return _with_plurals(read_po(file, locale=language, domain="django"), language)


def update(language: str, texts: Catalog, base: Path = BASE_DIR) -> Catalog:
    """The language's catalogue with exactly the texts there are; what was translated stays so."""
    before, after = read(language, base), blank(language)
    for message in texts:
        if message.id and (language != SOURCE or message.pluralizable):
            known = before.get(key(message), message.context)
            string = known.string if known is not None and known.pluralizable == message.pluralizable else None
            if string is None and language == SOURCE:
                string = message.id
            flags = known.flags & {"fuzzy"} if known is not None else set()
            after.add(message.id, string, locations=message.locations, context=message.context, flags=flags)
    return after


def extract_all(base: Path = BASE_DIR) -> list[Path]:
    """Bring every catalogue up to date; returns the files that changed."""
    texts, changed = template(base), []
    for language in LANGUAGES:
        path, content = po_path(language, base), dumped(update(language, texts, base))
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            changed.append(path)
    return changed


def dumped(catalog: Catalog) -> bytes:
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=120, sort_output=True, omit_header=True, include_lineno=False, ignore_obsolete=True)
    head = [
        catalog.header_comment,
        'msgid ""',
        'msgstr ""',
        f'"Language: {catalog.locale_identifier}\\n"',
        '"Content-Type: text/plain; charset=utf-8\\n"',
        '"Content-Transfer-Encoding: 8bit\\n"',
        f'"Plural-Forms: {catalog.plural_forms}\\n"',
        "",
        "",
    ]
    return "\n".join(head).encode() + buffer.getvalue()


# ── Compile ──────────────────────────────────────────────────────────────────────────────────


def compile_all(base: Path = BASE_DIR, target: Path | None = None) -> None:
    """Into var/, where everything is that is not source."""
    for language in LANGUAGES:
        if po_path(language, base).exists():
            catalog = read(language, base)
            path = (target or var_dir() / "locale") / language / "LC_MESSAGES" / "django.mo"
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(".mo.new")
            with fresh.open("wb") as file:
                write_mo(file, catalog)
            fresh.replace(path)


# ── Check ────────────────────────────────────────────────────────────────────────────────────


def check_all(base: Path = BASE_DIR) -> list[str]:
    """What is wrong, a line each: missing, left over, empty, fuzzy, placeholders, plural forms."""
    texts = template(base)
    return [line for language in LANGUAGES for line in check(language, texts, base)]


def check(language: str, texts: Catalog, base: Path = BASE_DIR) -> Iterator[str]:
    catalog = read(language, base)
    wanted = {identity(message) for message in texts if message.id and (language != SOURCE or message.pluralizable)}
    held = {identity(message): message for message in catalog if message.id}
    for missing in sorted(wanted - held.keys(), key=repr):
        yield f"{language}: not there: {missing[0]!r} (make messages)"
    for extra in sorted(held.keys() - wanted, key=repr):
        yield f"{language}: no longer used: {extra[0]!r} (make messages)"
    for message in held.values():
        yield from (f"{language}: {fault}: {key(message)!r}" for fault in faults(message, catalog.num_plurals))


def faults(message: Message, plurals: int) -> Iterator[str]:
    if message.fuzzy:
        yield "fuzzy"
    strings = message.string if isinstance(message.string, list | tuple) else (message.string,)
    if not strings or not all(strings):
        yield "not translated"
        return
    if message.pluralizable and len(strings) != plurals:
        yield f"needs {plurals} plural forms, has {len(strings)}"
    if any(not fits(message, str(string)) for string in strings):
        yield "placeholders differ"


def fits(message: Message, string: str) -> bool:
    """A singular may leave the number out ("one message"); else the placeholders are the same."""
    ids = message.id if isinstance(message.id, list | tuple) else (message.id,)
    return any(placeholders(string) == placeholders(text) for text in ids)


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


def key(message: Message) -> str:
    return message.id[0] if isinstance(message.id, list | tuple) else str(message.id)


def identity(message: Message) -> tuple[Text, str | None]:
    return (tuple(message.id) if isinstance(message.id, list | tuple) else str(message.id)), message.context
