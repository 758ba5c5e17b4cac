"""`python -m hub.bench.widgetchannel N`: a website's chat in the measured product, and the tokens of N visitors."""

from __future__ import annotations

import json
import sys

from hub import boot

if __name__ == "__main__":
    boot.start()
    from channels_app import checks
    from channels_app.models import Channel
    from channels_app.widget import visitors

    channel = Channel(kind="webchat", name="Chat")
    channel.put_settings(checks.complete("webchat", {}))
    channel.save()
    tokens = [visitors.begin(channel)[1] for _ in range(int(sys.argv[1]))]
    print(json.dumps({"token": channel.public_settings["widget_token"], "tokens": tokens}))
