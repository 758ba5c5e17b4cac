"""How much one visitor or one address may ask for: a bucket that refills, kept in the process.

Looked at before anything touches the database, so that a flood costs nobody else a connection. Several web
processes each keep their own buckets: the limit is then that many times as high, which is still a limit.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass

MOST = 20_000


@dataclass(frozen=True, slots=True)
class Rate:
    """burst: at once; every: seconds until one more may come."""

    burst: int
    every: float


SAY = Rate(burst=20, every=1.0)
ASK = Rate(burst=60, every=0.2)
UPLOAD = Rate(burst=20, every=3.0)
IDENTIFY = Rate(burst=10, every=6.0)
# Many people may stand behind one address of an office or a mobile network.
SESSION = Rate(burst=60, every=1.0)
OF_ADDRESS = Rate(burst=300, every=0.05)
# By all who ask for what is not there: websites of nobody, channels of nobody.
MISS = Rate(burst=20, every=0.1)

_lock = threading.Lock()
_buckets: dict[tuple[str, str], tuple[float, float]] = {}


def wait(name: str, whose: str, rate: Rate, now: float | None = None) -> int:
    """Whole seconds to wait before the next one; 0: it may go, and is counted."""
    now = time.monotonic() if now is None else now
    with _lock:
        left, at = _buckets.get((name, whose), (float(rate.burst), now))
        left = min(rate.burst, left + (now - at) / rate.every)
        if left < 1:
            _buckets[name, whose] = (left, now)
            return max(1, math.ceil((1 - left) * rate.every))
        if len(_buckets) >= MOST:
            # Whoever asked longest ago has a full bucket again anyway.
            for key in list(_buckets)[: MOST // 4]:
                del _buckets[key]
        _buckets.pop((name, whose), None)
        _buckets[name, whose] = (left - 1, now)
        return 0


def forget() -> None:
    """For tests."""
    with _lock:
        _buckets.clear()
