"""What can go wrong between us and a platform, in the exchange's few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

# A string that may be translated later (gettext_lazy gives a proxy, not a str).
Words = Any

AttachmentKind = Literal[
    "image", "video", "audio", "voice", "file", "sticker",
    "location", "contact", "story", "share", "product", "template",
]  # fmt: skip
ReceiptState = Literal["accepted", "sent", "delivered", "read", "failed"]
Category = Literal["window", "blocked", "rate", "auth", "content", "unconfirmed", "unknown"]


class NotAuthentic(Exception):
    """The request is not from the platform: 401, nothing kept. The text is for our log only."""


class BadBody(Exception):
    """The body is not in the declared format (encoding, JSON, form): 400, nothing kept."""


class UnreadableEvent(Exception):
    """One event lacks what it needs (its id, its sender): the envelope fails, its neighbours live."""


class SettingsInvalid(Exception):
    """What an administrator typed cannot work: field name → words."""

    def __init__(self, errors: Mapping[str, Words]) -> None:
        super().__init__("; ".join(f"{name}: {words}" for name, words in errors.items()))
        self.errors = dict(errors)


class DeliveryFailed(Exception):
    """A send that did not happen, or of which nobody knows whether it did.

    permanent: trying again cannot help. category "unconfirmed": the request went out and no answer
    came, so it is repeated only where the adapter says ``idempotent``. retry_after: seconds.
    """

    def __init__(
        self,
        title: str,
        *,
        permanent: bool,
        category: Category = "unknown",
        code: str = "",
        detail: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code} {title}".strip())
        self.title = title
        self.permanent = permanent
        self.category: Category = category
        self.code = code
        self.detail = detail
        self.retry_after = retry_after


class NoSeam(ValueError):
    """A text over the limit has no place where it can be cut naturally."""


class MediaGone(Exception):
    """The platform no longer has the file (expired, deleted): the placeholder stays."""


class MediaNotReady(Exception):
    """The platform is still preparing the file: ask again later."""
