"""The widget's two scripts: the small one that every page view of a shop loads, and the chat behind its button.

They lie under ``static/widget/`` as modules for people to read and go out as one file each, without comments and
compressed: a visitor asks once for the chat, not once for each of its parts. Nothing has to be built for that.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from channels_app.widget import wording

FOLDER = Path(settings.BASE_DIR) / "static/widget"
# Each stands below those it takes from.
PARTS = (
    "elements.js", "colours.js", "store.js", "delivery.js", "hearing.js", "files.js", "messages.js", "composer.js",
    "forms.js", "chat.js",
)  # fmt: skip
_IMPORT = re.compile(r"^import\b[^;]*;\n?", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.MULTILINE)
_REMARK = re.compile(r"^\s*(?://[^\n]*|/\*.*?\*/\s*)$\n?", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Script:
    """As it goes out: plain, and by gzip."""

    plain: bytes
    packed: bytes
    name: str
    """Changes with the content."""


def chat() -> Script:
    return _chat(_changed())


def loader(looks: Mapping[str, Mapping[str, Any]]) -> Script:
    """With the looks of the channels (by widget token) that the asking page may show."""
    return _loader(json.dumps(looks, sort_keys=True), _changed())


def _changed() -> float:
    """Whoever works on the scripts sees each change; an installation's are what they were when it started."""
    return 0 if settings.PRODUCTION else max(path.stat().st_mtime for path in FOLDER.iterdir())


@lru_cache(maxsize=1)
def _chat(_at: float) -> Script:
    body = "\n".join(smaller_script(_EXPORT.sub("", _IMPORT.sub("", _text(name)))) for name in PARTS[:-1])
    body += "\n" + smaller_script(_IMPORT.sub("", _text(PARTS[-1])))
    return _script(body.replace("__CSS__", _sheet("chat.css")))


@lru_cache(maxsize=256)
def _loader(looks: str, at: float) -> Script:
    words = {code: wording.launcher(code) for code, _name in settings.LANGUAGES}
    body = smaller_script(_text("loader.js"))
    for place, value in {
        "__CSS__": _sheet("loader.css"),
        "__LOOKS__": looks,
        "__WORDS__": json.dumps(words, ensure_ascii=False),
        "__CHAT__": f"/widget/chat.{_chat(at).name}.js",
    }.items():
        body = body.replace(place, value)
    return _script(body)


def _script(body: str) -> Script:
    plain = body.encode()
    return Script(plain=plain, packed=gzip.compress(plain, 9, mtime=0), name=hashlib.sha256(plain).hexdigest()[:16])


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _sheet(name: str) -> str:
    return json.dumps(smaller_sheet(_text(name)))


# Texts and patterns stay as they are.
_LITERAL = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|'
    r"(?<=[(,=:\[!&|?{};])( ?)/(?![/*])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*"
)
_SPACE = re.compile(r" ?([=(){}\[\],;:?<>&|*]) ?")
_BREAK = re.compile(r"(?<=[;{,(\[])\n|\n(?=[)\]}.])")
# Ours have no loop without a body and no array with a hole, where these would mean something.
_LAST = re.compile(r"[;,](?=\})|,(?=[\])])")


def smaller_script(text: str) -> str:
    """Without remarks that stand on lines of their own, and spaces and breaks that mean nothing; names stay."""
    text = "\n".join(line.strip() for line in _REMARK.sub("", text).splitlines() if line.strip())
    parts, at = [], 0
    for found in _LITERAL.finditer(text):
        parts += [_closer(text[at : found.start()]), found[0].strip()]
        at = found.end()
    return "".join([*parts, _closer(text[at:])])


def _closer(code: str) -> str:
    return _LAST.sub("", _BREAK.sub("", _SPACE.sub(r"\1", code)))


def smaller_sheet(text: str) -> str:
    """Without remarks and without spaces that mean nothing."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text)
    return re.sub(r" ?([{};,]) ?|(?<=[a-z]): ", lambda found: found[1] or ":", text).replace(";}", "}").strip()
