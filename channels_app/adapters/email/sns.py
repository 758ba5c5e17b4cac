"""Amazon SNS signs what it posts: which fields, with whose certificate. Nothing is fetched from any other host."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from channels_app.contract import NotAuthentic
from channels_app.http import Http, HttpError

NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED = {
    "Notification": NOTIFICATION,
    "SubscriptionConfirmation": CONFIRMATION,
    "UnsubscribeConfirmation": CONFIRMATION,
}
_HOST = re.compile(r"sns\.[a-z0-9-]{3,30}\.amazonaws\.com(\.cn)?")
_SECONDS = 5.0
_MOST = 64
_fetched: dict[str, str] = {}
"""Certificate address → PEM; they never change, there is a new address for a new one."""


def verify(post: Mapping[str, Any], certificates: Mapping[str, str]) -> None:
    """certificates: known ones, which are not fetched. Raises NotAuthentic."""
    names = SIGNED.get(str(post.get("Type")))
    url, algorithm = post.get("SigningCertURL"), _algorithm(post.get("SignatureVersion"))
    if names is None or algorithm is None or not isinstance(url, str) or not is_certificate_url(url):
        raise NotAuthentic("not signed as Amazon signs")
    text = "".join(f"{name}\n{post[name]}\n" for name in names if isinstance(post.get(name), str))
    try:
        signature = base64.b64decode(str(post.get("Signature")).encode("ascii"))
        key = x509.load_pem_x509_certificate((certificates.get(url) or _fetch(url)).encode()).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise NotAuthentic("the certificate has no RSA key")
        key.verify(signature, text.encode("utf-8", "surrogatepass"), padding.PKCS1v15(), algorithm)
    except (ValueError, binascii.Error, InvalidSignature) as error:
        raise NotAuthentic("the signature is not right") from error


def _algorithm(version: Any) -> HashAlgorithm | None:
    return {"1": SHA1(), "2": SHA256()}.get(str(version))  # noqa: S303 (version 1 is what Amazon still signs with)


def is_amazon(parts: SplitResult) -> bool:
    try:
        return (
            parts.scheme == "https"
            and parts.port in (None, 443)
            and bool(_HOST.fullmatch(parts.netloc.removesuffix(":443")))
        )
    except ValueError:
        return False


def is_amazon_url(url: str) -> bool:
    try:
        return is_amazon(urlsplit(url))
    except ValueError:
        return False


def is_certificate_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return is_amazon(parts) and parts.path.endswith(".pem") and not parts.query


def _fetch(url: str) -> str:
    if url in _fetched:
        return _fetched[url]
    try:
        answer = Http().request("GET", url, timeout=_SECONDS, max_bytes=65_536)
    except HttpError as error:
        raise NotAuthentic("the certificate could not be fetched") from error
    if not answer.ok:
        raise NotAuthentic("there is no such certificate")
    pem = answer.body.decode("ascii", "replace")
    x509.load_pem_x509_certificate(pem.encode())
    if len(_fetched) >= _MOST:
        _fetched.clear()
    _fetched[url] = pem
    return pem
