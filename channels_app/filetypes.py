"""What a file is: by its first bytes, whatever it calls itself; and which kinds are shown in place."""

from __future__ import annotations

import filetype

# Shown in place by sniffed type; all else is a download.
INLINE = frozenset({
    "image/png", "image/jpeg", "image/gif", "image/webp", "video/mp4", "video/webm", "audio/mpeg", "audio/ogg",
    "audio/mp4", "audio/x-m4a", "audio/m4a",
})  # fmt: skip
UNKNOWN = "application/octet-stream"


def sniff(head: bytes, declared: str) -> str:
    """The type by the content; a declared type is believed only where it opens nothing."""
    found = filetype.guess(head)
    if found is not None:
        return "audio/mp4" if found.mime in ("audio/m4a", "audio/x-m4a") else str(found.mime)
    declared = declared.partition(";")[0].strip().lower()[:127]
    if declared in INLINE or not declared:
        # It calls itself a picture and is none.
        return UNKNOWN
    return declared
