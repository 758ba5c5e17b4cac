"""The demo desk: people, a channel of every kind, and two weeks of conversations, made on the first start."""

from __future__ import annotations

from hub.demo.desk import Made, make
from hub.demo.people import PEOPLE, sign_in

__all__ = ["PEOPLE", "Made", "make", "sign_in"]
