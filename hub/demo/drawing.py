"""Just enough of PNG, PDF and MP3 to make files for the demo without a library: no binaries in the repository."""

from __future__ import annotations

import math
import struct
import zlib

Colour = tuple[int, int, int]
BLACK: Colour = (26, 26, 28)
WHITE: Colour = (255, 255, 255)

# Space to Z, five columns each, the lowest bit on top.
FONT = bytes.fromhex(
    "000000000000005f00000007000700147f147f14242a7f2a12231308646236495620500000070000001c224100"
    "0041221c002a1c7f1c2a08083e080800807030000808080808000060600020100804023e5149453e00427f4000"
    "72494949462141494d331814127f1027454545393c4a49493141211109073649494936464949291e0000140000"
    "004034000000081422411414141414004122140802015909063e415d594e7c1211127c7f494949363e41414122"
    "7f4141413e7f494949417f090909013e414151737f0808087f00417f41002040413f017f081422417f40404040"
    "7f021c027f7f0408107f3e4141413e7f090909063e4151215e7f09192946264949493203017f01033f4040403f"
    "1f2040201f3f4038403f631408146303047804036159494d43"
)


class Canvas:
    def __init__(self, width: int, height: int, ground: Colour = WHITE) -> None:
        self.width = width
        self.height = height
        self.rows = [bytearray(bytes(ground) * width) for _row in range(height)]

    def box(self, x: int, y: int, width: int, height: int, colour: Colour = BLACK) -> None:
        x, right = max(x, 0), min(x + width, self.width)
        strip = bytes(colour) * max(right - x, 0)
        for row in self.rows[max(y, 0) : max(y + height, 0)]:
            row[3 * x : 3 * right] = strip

    def disc(self, x: int, y: int, radius: int, colour: Colour) -> None:
        for dy in range(-radius, radius + 1):
            half = math.isqrt(radius * radius - dy * dy)
            self.box(x - half, y + dy, 2 * half, 1, colour)

    def write(self, x: int, y: int, text: str, size: int = 2, colour: Colour = BLACK) -> None:
        for number, letter in enumerate(text.upper()):
            index = ord(letter) - 32
            for column, bits in enumerate(FONT[5 * index : 5 * index + 5]):
                for row in range(7):
                    if bits >> row & 1:
                        self.box(x + (6 * number + column) * size, y + row * size, size, size, colour)

    def bars(self, x: int, y: int, width: int, height: int, code: str) -> None:
        """Looks like a bar code; no scanner would agree."""
        for byte in code.encode() * 3:
            for bit in range(0, 8, 2):
                thick = 1 + (byte >> bit & 3)
                if width < thick + 2:
                    return
                self.box(x, y, thick, height)
                x, width = x + thick + 2, width - thick - 2

    def png(self) -> bytes:
        rows = b"".join(b"\0" + row for row in self.rows)
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def pdf(title: str, lines: list[str]) -> bytes:
    """One A4 page in Helvetica."""
    words = [line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)") for line in (title, *lines)]
    show = "".join(f"0 -20 Td ({line}) Tj\n" for line in words[1:])
    drawn = f"BT /B 22 Tf 60 770 Td ({words[0]}) Tj /F 12 Tf 0 -16 Td\n{show}ET\n60 762 475 1.5 re f".encode("latin-1")
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica%s >>"
    fonts = f"<< /F {font % ''} /B {font % '-Bold'} >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font " + fonts.encode() + b" >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    trailer = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + trailer


# ── A voice ──────────────────────────────────────────────────────────────────────────────────

FRAME = 72
FRAMES_PER_SECOND = 24000 / 576
MP3_HEADER = bytes.fromhex("fff334c4")
"""MPEG-2 layer III, 24 kbit/s, 24 kHz, mono."""


def mp3(seconds: float, seed: int) -> bytes:
    """Somebody mumbles: syllables of a few harmonics each, written straight as MP3 coefficients."""
    out = bytearray()
    for number in range(int(seconds * FRAMES_PER_SECOND)):
        syllable, within = divmod(number, 7)
        mood = (seed + syllable * 2654435761) >> 8
        silent = within == 6 or mood % 6 == 0
        out += _frame(number, 6 + mood % 3, 14 + mood // 7 % 30, 197 - 3 * abs(within - 2), silent)
    return bytes(out)


def _frame(number: int, pitch: int, formant: int, gain: int, silent: bool) -> bytes:
    lines = {line for line in range(pitch, 80, pitch) if line < 3 * pitch or abs(line - formant) < 9}
    bits = "" if silent else "".join(_pair(number, line, lines) for line in range(0, 80, 2))
    side = f"{0:09b}{len(bits):012b}{0 if silent else 40:09b}{gain:08b}{0:09b}0" + "00001" * 3 + f"{7:04b}{7:03b}00"
    return MP3_HEADER + _bytes(side, 9) + _bytes(bits, FRAME - 13)


def _pair(number: int, line: int, lines: set[int]) -> str:
    """Two neighbours in the standard's Huffman table 1; the signs carry the tone from frame to frame."""
    pair = [one for one in (line, line + 1) if one in lines]
    code = {(False, False): "1", (False, True): "001", (True, False): "01", (True, True): "000"}
    signs = ("1" if math.cos(math.pi / 4 + number * math.pi * (one + 0.5)) < 0 else "0" for one in pair)
    return code[line in lines, line + 1 in lines] + "".join(signs)


def _bytes(bits: str, length: int) -> bytes:
    return int(bits.ljust(8 * length, "0"), 2).to_bytes(length, "big")
