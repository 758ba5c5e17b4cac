"""The files that people send each other in the demo, made from their names: resi-JX001.png is a parcel label."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from hub.demo.drawing import BLACK, WHITE, Canvas, pdf
from hub.demo.drawing import mp3 as mumble

RED, CHILLI, CREAM, GREEN, GREY, BLUE = (
    (178, 34, 42), (214, 62, 38), (252, 247, 236), (38, 124, 82), (222, 222, 226), (28, 58, 112),
)  # fmt: skip


def make(name: str) -> bytes:
    """By the word before the first dash; the rest is what stands on it."""
    kind, _dash, rest = name.rpartition(".")[0].partition("-")
    return MAKERS[kind](rest)


def _label(code: str) -> bytes:
    canvas = Canvas(420, 300, WHITE)
    canvas.box(0, 0, 420, 56, RED)
    canvas.write(20, 17, "Kurir Kilat", 3, WHITE)
    canvas.write(330, 22, "REG", 2, WHITE)
    canvas.bars(20, 76, 380, 70, code)
    canvas.write(20, 158, code, 3)
    canvas.box(20, 192, 380, 2)
    canvas.write(20, 206, "Pengirim: Toko Rasa, Bandung")
    canvas.write(20, 230, "Berat: 1,2 kg   Isi: makanan")
    canvas.write(20, 260, "Jangan dibanting!", 2, RED)
    return canvas.png()


def _receipt(number: str) -> bytes:
    canvas = Canvas(300, 380, WHITE)
    canvas.write(66, 20, "Toko Rasa", 3)
    canvas.write(54, 52, "Jl. Melati 8, Bandung", 1)
    canvas.write(30, 84, f"No. {number}")
    lines = ("Grinder kopi   385000", "Kopi Toraja     92000", "Ongkir          18000")
    for position, line in enumerate(lines):
        canvas.write(24, 126 + 28 * position, line)
    canvas.box(24, 216, 252, 2)
    canvas.write(24, 230, "Total          495000")
    canvas.write(24, 262, "QRIS           495000")
    canvas.write(60, 318, "Terima kasih!", 2, GREEN)
    canvas.bars(60, 346, 180, 22, number)
    return canvas.png()


def _slip(amount: str) -> bytes:
    canvas = Canvas(320, 400, CREAM)
    canvas.box(0, 0, 320, 70, BLUE)
    canvas.write(30, 26, "Transfer slip", 3, WHITE)
    canvas.disc(160, 122, 30, GREEN)
    canvas.write(139, 111, "OK", 4, WHITE)
    canvas.write(160 - 12 * len(amount), 180, amount, 4)
    canvas.box(30, 230, 260, 1, GREY)
    canvas.write(30, 246, "To:   Toko Rasa")
    canvas.write(30, 272, "Ref:  20260314-0099")
    canvas.bars(60, 312, 200, 50, amount)
    return canvas.png()


def _sizes(name: str) -> bytes:
    canvas = Canvas(400, 260, WHITE)
    canvas.box(0, 0, 400, 44, CHILLI)
    canvas.write(20, 12, "Size chart (cm)", 3, WHITE)
    for row, line in enumerate((" S M L XL", "A 48 51 54 57", "B 66 69 72 75")):
        for column, text in enumerate(line.split(" ")):
            canvas.write(34 + 74 * column, 70 + 46 * row, text, 3, CHILLI if row == 0 or column == 0 else BLACK)
        canvas.box(20, 104 + 46 * row, 360, 1, GREY)
    canvas.write(20, 224, "A = chest   B = length")
    return canvas.png()


def _product(state: str) -> bytes:
    """A jar on a table: broken with a puddle, or mouldy."""
    canvas = Canvas(360, 360, (206, 196, 182))
    canvas.box(0, 250, 360, 110, (150, 112, 78))
    if state == "pecah":
        for x, y, radius in ((120, 300, 42), (190, 312, 54), (262, 298, 34)):
            canvas.disc(x, y, radius, CHILLI)
    canvas.box(120, 110, 120, 180, (236, 240, 240))
    canvas.box(128, 150, 104, 132, CHILLI if state == "pecah" else (226, 178, 92))
    canvas.box(112, 88, 136, 28, RED)
    canvas.box(128, 184, 104, 52, WHITE)
    canvas.write(145, 193, "TOKO", 3, RED)
    canvas.write(145, 216, "RASA", 2, RED)
    if state == "pecah":
        for step in range(60):
            canvas.box(232 - step, 120 + 2 * step + (step % 7) * 2, 5, 3, BLACK)
    else:
        for x, y, radius in ((150, 166, 9), (176, 160, 12), (206, 168, 10), (196, 256, 11), (158, 262, 8)):
            canvas.disc(x, y, radius, (110, 132, 112))
            canvas.disc(x, y, radius // 2, (214, 222, 214))
    return canvas.png()


def _invoice(number: str) -> bytes:
    lines = ["Toko Rasa, Jl. Melati 8, Bandung 40115", "", "12 x Kuih raya / kue kering: 540.00", "Shipping: 35.00"]
    return pdf(f"INVOICE {number}", [*lines, "", "Total: 575.00", "Paid"])


def _prices(name: str) -> bytes:
    goods = (("Keripik singkong", 9), ("Keripik tempe", 10), ("Kacang balado", 12), ("Abon sapi", 38))
    lines = [f"{what}: Rp{price}.000 per bungkus, reseller Rp{price * 0.8:.1f}00" for what, price in goods]
    return pdf("DAFTAR HARGA RESELLER", ["Toko Rasa, berlaku bulan ini", "", *lines])


def _certificate(name: str) -> bytes:
    lines = ["(contoh untuk demo)", "", "Pelaku usaha: Toko Rasa", "Produk: abon, serunding, sambal"]
    return pdf("SERTIFIKAT HALAL", lines)


def _voice(seconds: str) -> bytes:
    return mumble(float(seconds), zlib.crc32(seconds.encode()))


MAKERS: dict[str, Callable[[str], bytes]] = {
    "resi": _label,
    "struk": _receipt,
    "slip": _slip,
    "ukuran": _sizes,
    "produk": _product,
    "invoice": _invoice,
    "daftar": _prices,
    "sertifikat": _certificate,
    "suara": _voice,
}
