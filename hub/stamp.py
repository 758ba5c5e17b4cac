"""What set-up depends on, as one digest: unchanged means nothing to do. Standard library only, for the supervisor."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
MIGRATIONS = ("*/migrations/*.py",)
TRANSLATIONS = ("locale/*/LC_MESSAGES/*.po", "hub/translations.py")
STATIC = ("static/**/*", "*/static/**/*", "hub/static.py", "requirements.txt", "constraints.txt")
REST = ("hub/settings.py", "hub/management/commands/prepare.py")


def var_dir() -> Path:
    return Path(os.environ.get("VAR_DIR") or BASE_DIR / "var").resolve()


def digest(patterns: Iterable[str], *more: str) -> str:
    """Of the contents of the files that the patterns name, and of a few words besides."""
    result = hashlib.sha256(repr((sys.version_info[:2], *more)).encode())
    for path in sorted({path for pattern in patterns for path in BASE_DIR.glob(pattern)}):
        if path.is_file():
            content = path.read_bytes()
            result.update(f"{path.relative_to(BASE_DIR)} {len(content)}\n".encode() + content)
    return result.hexdigest()


def everything() -> str:
    environment = (os.environ.get(name, "") for name in ("DATABASE_URL", "HUB_ENV", "VAR_DIR"))
    return digest((*MIGRATIONS, *TRANSLATIONS, *STATIC, *REST), *environment)


def holds(name: str, value: str) -> bool:
    try:
        return (var_dir() / "stamps" / name).read_text() == value
    except OSError:
        return False


def write(name: str, value: str) -> None:
    """Whole or not at all, also when the machine is switched off meanwhile."""
    path = var_dir() / "stamps" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(value)
    fresh.replace(path)
