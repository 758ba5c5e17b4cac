"""How much of one message is looked at. What lies beyond is named in ``Mail.notes`` and stays in the envelope.

The figures are far above honest mail and keep reading linear in time and bounded in memory.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, characters or counts; see each name."""

    message: int = 64 * 1024 * 1024
    """Bytes of a whole message; the rest is not read."""
    header_block: int = 512 * 1024
    """Bytes of one part's headers."""
    header_lines: int = 5_000
    header: int = 64 * 1024
    """Characters of one header's value."""
    addresses: int = 1_000
    references: int = 500
    encoded_words: int = 4_000
    """In one header; the rest of it stays as it was written."""
    parameters: int = 200
    parts: int = 1_000
    depth: int = 50
    scan: int = 16
    """The bytes that may be searched for boundaries, as a multiple of the message (each level searches its own)."""
    text: int = 4 * 1024 * 1024
    """Characters of text that are shown; the part itself is kept as a file beside it."""
    html: int = 2 * 1024 * 1024
    html_depth: int = 2_000
    html_tags: int = 100_000
    trim_lines: int = 10_000
    tnef_files: int = 200
    invite_lines: int = 5_000
    attendees: int = 200


LIMITS = Limits()
