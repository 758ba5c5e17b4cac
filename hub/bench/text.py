"""What customers and agents write in the benchmark's data: Thai and Indonesian of a shop, always the same."""

from __future__ import annotations

import random

# Words by how often they occur. The rare ones are planted by data.py and are in no sentence below.
COMMON = {"Indonesian": "pesanan", "Thai": "สินค้า"}
RARE = {"Indonesian": "kecombrang", "Thai": "หมอนทอง"}
PLANTED = "Apakah ada {}, kak? ทางร้านมี{}ไหมคะ"
ABSENT = {"Indonesian": "xilofon", "Thai": "พิพิธภัณฑ์"}
ABSENT_PHONE = "0899-7654-3219"

NAMES = [
    "Siti Rahmawati", "Budi Santoso", "Dewi Lestari", "Agus Wijaya", "Rina Marlina", "Andi Pratama", "Putri Ayu",
    "Joko Susilo", "Ahmad Fauzi", "Nur Aisyah", "Hendra Gunawan", "Wulan Sari", "สมชาย ใจดี", "สมหญิง รักไทย",
    "วิชัย สุขสันต์", "อรทัย แก้วใส", "ณัฐพล ศรีสุข", "กมลชนก ทองดี", "ปิยะ บุญมาก", "มาลี ดวงแก้ว", "Lim Wei Ming",
    "Tan Mei Ling", "Farah binti Ismail", "Azlan Shah", "Nurul Huda", "Chong Kok Wah",
]  # fmt: skip
OPENINGS = {
    "Indonesian": ["Halo kak,", "Selamat pagi,", "Permisi min,", "Assalamualaikum,", "Sore kak,", "Maaf mengganggu,"],
    "Thai": ["สวัสดีค่ะ", "สวัสดีครับ", "รบกวนสอบถามหน่อยค่ะ", "ขอโทษนะครับ", "แอดมินคะ", "ทางร้านครับ"],
}  # fmt: skip
MIDDLES = {
    "Indonesian": [
        "pesanan saya belum sampai juga dari minggu lalu", "kapan barangnya dikirim ke alamat rumah di Surabaya",
        "ukuran sepatunya kebesaran, apakah bisa ditukar", "pembayaran lewat transfer bank sudah tadi malam",
        "nomor resi tidak bisa dilacak di situs kurir", "warna yang datang berbeda dengan foto di toko",
        "apakah ada diskon untuk pembelian lebih dari tiga", "pesanan nomor sekian mau saya batalkan saja",
        "tolong kirim ulang faktur ke surel kantor kami", "stok tas kulit warna cokelat masih tersedia tidak",
        "kurirnya tidak menelepon padahal saya di rumah seharian", "garansi mesin kopi ini berlaku berapa lama ya",
        "uang kembalian belum masuk ke rekening saya", "bisa dijemput di gudang Tangerang hari Sabtu",
    ],
    "Thai": [
        "สินค้าที่สั่งไปเมื่ออาทิตย์ก่อนยังไม่ได้รับเลยค่ะ", "ขอเปลี่ยนที่อยู่จัดส่งเป็นที่ทำงานแถวสีลมได้ไหม",
        "โอนเงินเรียบร้อยแล้วแต่ระบบยังไม่อัปเดต", "เลขพัสดุเช็กไม่ได้มาสองวันแล้ว", "เสื้อไซซ์ใหญ่ไปอยากเปลี่ยนเป็นไซซ์เล็ก",
        "สินค้าชำรุดตอนเปิดกล่องมีรูปถ่ายให้ดูค่ะ", "มีโปรโมชันลดราคาช่วงปลายเดือนหรือเปล่า", "อยากทราบวิธีใช้งานหม้อหุงข้าวรุ่นใหม่",
        "ใบกำกับภาษีขอเป็นชื่อบริษัทได้ไหมครับ", "รบกวนตรวจสอบยอดเงินคืนให้หน่อย", "ร้านเปิดถึงกี่โมงวันอาทิตย์", "กระเป๋าสีน้ำตาลยังมีของไหมคะ",
    ],
}  # fmt: skip
ENDINGS = {
    "Indonesian": ["mohon dibantu ya", "terima kasih banyak", "ditunggu kabarnya kak", "secepatnya ya min"],
    "Thai": ["ขอบคุณค่ะ", "รบกวนด้วยนะคะ", "ด่วนเลยครับ", "รอคำตอบอยู่นะครับ", "ขอบคุณล่วงหน้าครับ"],
}  # fmt: skip
ANSWERS = {
    "Indonesian": ["Baik kak, kami cek dulu ya", "Sudah kami teruskan ke gudang", "Mohon ditunggu satu hari kerja"],
    "Thai": ["ได้เลยค่ะ ขอเวลาตรวจสอบสักครู่", "แจ้งแผนกจัดส่งให้แล้วนะคะ", "ยินดีให้บริการค่ะ", "ส่งใบเสร็จไปทางอีเมลแล้วครับ"],
}  # fmt: skip


def pool(size: int, kind: str) -> list[str]:
    """Different sentences of customers ("in") or agents ("out"), half of them Thai."""
    chosen = random.Random(f"pelanggan {kind}")
    return [_sentence(chosen, "Thai" if number % 2 else "Indonesian", kind) for number in range(size)]


def _sentence(chosen: random.Random, language: str, kind: str) -> str:
    space = "" if language == "Thai" else " "
    middle = chosen.choice(MIDDLES[language])
    if kind == "out":
        return f"{chosen.choice(ANSWERS[language])}{space or ' '}{middle if chosen.random() < 0.3 else ''}".rstrip()
    # A Thai sentence has no spaces: the word stands in the middle of it.
    parts = [chosen.choice(OPENINGS[language]), middle]
    if chosen.random() < 0.4:
        parts.append(chosen.choice(MIDDLES[language]))
    return space.join([*parts, chosen.choice(ENDINGS[language])])


def phone_of(customer: int) -> str:
    """E.164, as a platform gives it."""
    return f"+628{11_0000_0000 + (customer * 7919) % 90_000_000:010d}"


def as_typed(phone: str) -> str:
    """The same number as people write it: 0812-3456-7890."""
    national = "0" + phone[3:]
    return f"{national[:4]}-{national[4:8]}-{national[8:]}"
