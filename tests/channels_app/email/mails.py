"""Small mails for the tests, as bytes."""

from __future__ import annotations

import base64


def mail(
    *lines: str, body: str = "Halo", to: str = "help@shop.example", sender: str = "Ana <ana@mail.example>"
) -> bytes:
    """Header lines beside From and To, then a UTF-8 text body."""
    head = [f"From: {sender}", f"To: {to}", *lines]
    if not any(line.lower().startswith("content-type:") for line in lines):
        head.append("Content-Type: text/plain; charset=utf-8")
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


def multipart(kind: str, *parts: str | bytes, head: str = "") -> bytes:
    """Parts are header block, blank line, body."""
    top = f"From: ana@mail.example\r\n{head}Content-Type: multipart/{kind}; boundary=edge\r\n\r\n".encode()
    each = [b"--edge\r\n" + (part.encode() if isinstance(part, str) else part) + b"\r\n" for part in parts]
    return b"".join([top, *each, b"--edge--\r\n"])


def encoded(data: bytes) -> str:
    return base64.encodebytes(data).decode()
