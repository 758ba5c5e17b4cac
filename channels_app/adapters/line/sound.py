"""How long a sound is: LINE shows it and does not look itself."""

from __future__ import annotations

import struct
from itertools import pairwise

UNKNOWN_MS = 1000
# MPEG-1 and MPEG-2 layer III, kbit/s by the header's four bits.
RATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
RATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


def duration_ms(data: bytes) -> int:
    """Of an MP4 (m4a) by its header, of an MP3 by its first frame's rate; a second where neither tells."""
    return _mp4(data) or _mp3(data) or UNKNOWN_MS


def _mp4(data: bytes) -> int:
    at = data.find(b"mvhd")
    if data[4:8] != b"ftyp" or at < 0:
        return 0
    try:
        wide = data[at + 4] == 1
        scale, length = struct.unpack_from(">IQ" if wide else ">II", data, at + (24 if wide else 16))
    except (struct.error, IndexError):
        return 0
    return min(int(length * 1000 / scale), 24 * 3600 * 1000) if scale else 0


def _mp3(data: bytes) -> int:
    start = 0
    if data[:3] == b"ID3" and len(data) > 10:
        start = 10 + (data[6] << 21 | data[7] << 14 | data[8] << 7 | data[9])
    for at, (first, second) in enumerate(pairwise(data[start : start + 4096]), start):
        if first == 0xFF and second & 0xE6 == 0xE2 and at + 2 < len(data):
            rates, index = (RATES_1 if second & 0x18 == 0x18 else RATES_2), data[at + 2] >> 4
            if 0 < index < len(rates):
                return int((len(data) - at) * 8 / rates[index])
    return 0
