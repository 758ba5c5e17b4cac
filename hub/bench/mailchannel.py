"""`python -m hub.bench.mailchannel`: one mail channel in the measured product; prints where and with what to post."""

from __future__ import annotations

import json

from hub import boot

if __name__ == "__main__":
    boot.start()
    from channels_app import checks
    from channels_app.models import Channel

    channel = Channel(kind="email", name="Mail")
    channel.put_settings(checks.complete("email", {"address": "help@shop.example"}))
    channel.save()
    print(json.dumps({"channel": channel.pk, "secret": channel.clear_settings()["inbound_secret"]}))
