"""Amazon SNS: truly signed posts, subscriptions that are confirmed after all checks, and mail that stayed in S3."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from django.test import Client

from agents.models import Team
from channels_app import acknowledging, jobs
from channels_app.adapters.email import inward, sns
from channels_app.adapters.email.ses import Ses
from channels_app.contract import InboundRequest, Receipt
from channels_app.models import Channel, Envelope
from tests.conftest import connect
from tests.platforms import FakePlatform
from tickets.models import Message

pytestmark = pytest.mark.django_db
TOPIC = "arn:aws:sns:ap-southeast-1:123456789012:mail"
CERTIFICATE = "https://sns.ap-southeast-1.amazonaws.com/SimpleNotificationService-1.pem"
SUBSCRIBE = "https://sns.ap-southeast-1.amazonaws.com/?Action=ConfirmSubscription&Token=t1"
KEY, OTHER = (rsa.generate_private_key(65537, 2048) for _ in range(2))


def pem(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=9))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return made.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture
def amazon() -> Iterator[FakePlatform]:
    with FakePlatform() as found:
        yield found


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """What a worker would do now to tell Amazon that it was heard; gives for how many posts."""
    waiting: list[int] = []

    def enqueue(path: str, *args: Any) -> None:
        if path == "channels_app.acknowledging.acknowledge":
            waiting.append(args[0])

    monkeypatch.setattr(jobs, "enqueue", enqueue)

    def run() -> int:
        for envelope in waiting:
            acknowledging.acknowledge(envelope)
        return len(waiting)

    return run


@pytest.fixture
def channel(north: Team, amazon: FakePlatform) -> Channel:
    return connect(
        "email", north, "Mail", address="help@shop.example", inbound_secret="mail:x", ses_topics=f"arn:other {TOPIC}",
        sns_certificates=json.dumps({CERTIFICATE: pem(KEY)}), base_url=amazon.url,
    )  # fmt: skip


def signed(kind: str, *, key: rsa.RSAPrivateKey = KEY, version: str = "2", **more: Any) -> dict[str, Any]:
    post = {
        "Type": kind, "MessageId": "m-1", "TopicArn": TOPIC, "Message": "words",
        "Timestamp": "2026-11-22T00:00:00.000Z", "SignatureVersion": version, "SigningCertURL": CERTIFICATE, **more,
    }  # fmt: skip
    if kind != "Notification":
        post = {"Token": "t1", "SubscribeURL": SUBSCRIBE, **post}
    names = sns.SIGNED.get(kind, sns.NOTIFICATION)
    text = "".join(f"{name}\n{post[name]}\n" for name in names if name in post)
    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()
    post["Signature"] = base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), algorithm)).decode()
    return post


def post(channel: Channel, body: Any) -> int:
    """As SNS does: JSON that calls itself text."""
    data = json.dumps(body).encode()
    return Client().post(f"/webhooks/{channel.pk}/ses/", data, content_type="text/plain; charset=UTF-8").status_code


def mail(action: dict[str, Any], content: str | None = None) -> dict[str, Any]:
    said: dict[str, Any] = {
        "notificationType": "Received",
        "mail": {
            "timestamp": "2026-11-22T00:00:00.000Z", "destination": ["help@shop.example"],
            "commonHeaders": {"from": ["Dora <dora@mail.example>"], "to": ["help@shop.example"],
                              "subject": "Pesanan", "messageId": "<a1@mail.example>"},
        },
        "receipt": {"recipients": ["help@shop.example"], "action": action,
                    "dmarcVerdict": {"status": "PASS"}, "spamVerdict": {"status": "PASS"}},
    }  # fmt: skip
    return said if content is None else {**said, "content": content}


RAW = "From: Dora <dora@mail.example>\r\nSubject: Pesanan\r\nMessage-ID: <a1@mail.example>\r\n\r\nHalo"


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_mail_in_a_notification(channel: Channel, version: str) -> None:
    body = json.dumps(mail({"type": "SNS", "encoding": "BASE64"}, base64.b64encode(RAW.encode()).decode()))
    assert post(channel, signed("Notification", version=version, Message=body)) == 200
    message = Message.objects.get()
    assert (message.text, message.external_id) == ("Halo", "a1@mail.example")
    assert message.extra["mail"]["dmarc"] == "pass"
    # SNS repeats what it thinks was not heard.
    assert post(channel, signed("Notification", version=version, Message=body)) == 200
    assert (Message.objects.count(), Envelope.objects.count()) == (1, 1)


def test_a_subscription_is_confirmed_once_it_is_proved(
    channel: Channel, amazon: FakePlatform, answers: Callable[[], int]
) -> None:
    assert post(channel, signed("SubscriptionConfirmation")) == 200
    assert answers() == 1
    (asked,) = amazon.requests
    assert (asked.method, asked.path) == ("GET", "/")
    assert asked.query == {"Action": ["ConfirmSubscription"], "Token": ["t1"]}
    assert not Message.objects.exists()
    assert Envelope.objects.get().state == Envelope.State.IGNORED


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/", "http://sns.ap-southeast-1.amazonaws.com/", "https://sns.x.amazonaws.com.evil.example/",
        "https://user@sns.ap-southeast-1.amazonaws.com/", "https://sns.ap-southeast-1.amazonaws.com:444/",
        "https://evil.example/?sns.ap-southeast-1.amazonaws.com", "file:///etc/passwd", "", "https://[", 7,
    ],
)  # fmt: skip
def test_no_other_address_is_visited(
    channel: Channel, amazon: FakePlatform, answers: Callable[[], int], url: Any
) -> None:
    """Signed by Amazon, even."""
    assert post(channel, signed("SubscriptionConfirmation", SubscribeURL=url)) == (401 if url == 7 else 200)
    assert answers() == (0 if url == 7 else 1)
    assert amazon.requests == []


@pytest.mark.parametrize(
    "forged",
    [
        signed("SubscriptionConfirmation", key=OTHER),
        signed("SubscriptionConfirmation", TopicArn="arn:aws:sns:ap-southeast-1:666:mail"),
        {**signed("SubscriptionConfirmation"), "SubscribeURL": SUBSCRIBE + "&x=1"},
        {**signed("SubscriptionConfirmation"), "Token": "t2"},
        {**signed("Notification"), "Message": "other words"},
        {**signed("Notification"), "Signature": ""},
        {**signed("Notification"), "SignatureVersion": "3"},
        {**signed("Notification"), "SigningCertURL": "https://sns.evil.example/SimpleNotificationService-1.pem"},
        {**signed("Notification"), "SigningCertURL": "https://sns.evil.amazonaws.com.evil.example/a.pem"},
        {**signed("Notification"), "Type": "Notice"},
        {"Type": "Notification", "TopicArn": TOPIC},
    ],
    ids=range(11),
)
def test_what_is_not_proved_is_not_kept(
    channel: Channel, amazon: FakePlatform, answers: Callable[[], int], forged: dict[str, Any]
) -> None:
    assert post(channel, forged) == 401
    assert answers() == 0
    assert not Envelope.objects.exists()
    assert amazon.requests == []


def test_a_topic_that_was_taken_away_proves_nothing(channel: Channel) -> None:
    channel.put_settings({name: value for name, value in channel.clear_settings().items() if name != "ses_topics"})
    channel.save()
    for kind in ("Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"):
        assert post(channel, signed(kind)) == 401


def test_the_end_of_a_subscription_is_heard_and_nothing_is_asked(
    channel: Channel, amazon: FakePlatform, answers: Callable[[], int]
) -> None:
    """Its SubscribeURL would begin it again."""
    assert post(channel, signed("UnsubscribeConfirmation")) == 200
    assert answers() == 0
    assert amazon.requests == []
    assert Envelope.objects.get().state == Envelope.State.IGNORED


def test_a_mail_that_lies_in_s3_says_so(channel: Channel) -> None:
    body = json.dumps(mail({"type": "S3", "bucketName": "toko-mail", "objectKey": "in/a1"}))
    assert post(channel, signed("Notification", Message=body)) == 200
    message = Message.objects.select_related("ticket").get()
    assert message.unsupported
    assert message.extra["unsupported_reason"] == inward.IN_S3
    assert message.ticket.subject == "Pesanan"
    assert message.address
    assert message.address.external_id == "dora@mail.example"


def test_what_ses_says_when_it_is_set_up(channel: Channel) -> None:
    assert post(channel, signed("Notification", Message="Successfully validated SNS topic for Amazon SES.")) == 200
    assert not Message.objects.exists()


def test_an_event_names_our_own_mail_by_our_own_id(channel: Channel) -> None:
    """SES gives every mail a Message-ID of its own, and hands back the headers that it was given."""
    body = {
        "eventType": "Delivery", "delivery": {"recipients": ["dora@mail.example"], "timestamp": "2026-11-22T00:00:00Z"},
        "mail": {"messageId": "0100-ses", "destination": ["dora@mail.example"],
                 "headers": [7, {"name": "Message-ID", "value": f"<77.{'a1' * 10}@shop.example>"}]},
    }  # fmt: skip
    content = Ses().decode(channel.account(), InboundRequest(method="POST", url="", headers={}, body=json.dumps(
        {"Type": "Notification", "Message": json.dumps(body)}).encode()))  # fmt: skip
    (news,) = Ses().read(channel.account(), content)
    assert isinstance(news, Receipt)
    assert (news.external_id, news.own_key, news.state) == ("0100-ses", "77", "delivered")
