"""How mail clients introduce what they quote, language by language. Data only; ``trimming`` reads it.

Written from the documented defaults of Gmail, Outlook, Apple Mail, Yahoo, Thunderbird and others. Everything is
compared in lower case. A language is added by adding its words; no code knows a language.
"""

from __future__ import annotations

VERBS = (
    # en, id, ms, th, vi
    "wrote", "writes", "sent:", "said", "menulis", "menuliskan", "berkata", "tulis", "telah menulis", "เขียนว่า", "เขียน", "เขียนข้อความ", "đã viết", "viết",
    # zh, ja, ko
    "写道", "寫道", "写到", "已寫", "写了", "書きました", "書き込みました", "のメール", "のメッセージ", "作成", "작성", "썼습니다", "쓴 글", "보낸 메일", "남긴 메시지",
    # de, fr, es, pt, it, nl
    "schrieb", "schrieben", "schreibt", "geschrieben", "a écrit", "a ecrit", "écrivait", "écrit", "escribió", "escribio", "escribe", "escribía",
    "escribiste", "escreveu", "escreve", "ha scritto", "scrive", "scrisse", "schreef", "heeft geschreven", "geschreven",
    # sv, da, nb, fi, is
    "skrev", "skrifaði", "kirjoitti", "kirjoittivat",
    # pl, cs, sk, hu, ro, bg, hr, sr, sl, lt, lv, et
    "napisał(a)", "napisał", "napisała", "napisał/a", "pisze", "napsal(a)", "napsal", "napsala", "napísal(a)", "napísal", "napísala", "írta",
    "a scris", "написа", "je napisao", "je napisala", "je napisao/la", "je napisal", "rašė", "rakstīja", "kirjutas",
    # ru, uk, tr, el
    "написал(а)", "написал", "написала", "пишет", "писал", "писала", "написав", "написала", "написав(-ла)", "пише", "yazdı", "yazmış", "yazdı",
    "έγραψε", "έγραψαν", "έγραφε",
    # gl, eu, sr, bn, tl, ca; and who introduces a quote in another way: pl of Apple, zh of Proton, Horde
    "escribiu", "idatzi zuen", "је написао", "је написала", "написао/ла", "লিখেছেন", "isinulat", "missatge de", "napisana przez", "来信", "來信",
    "quoting", "zitat von", "citando a", "citation de",
    # ar, he, fa, hi
    "كتب", "كتبت", "كتب/ت", "כתב", "כתבה", "כתב/ה", "מאת", "نوشت", "ने लिखा", "लिखा",
)  # fmt: skip

OPENERS = (
    "on", "at", "in a message dated", "às", "на", "kuupäev", "missatge de", "wiadomość napisana", "در تاریخ", "noong", "v v", "pirmd", "otrd", "trešd",
    "ceturtd", "piektd", "sestd", "svētd", "pada tanggal", "pada hari", "pada", "tanggal", "เมื่อวันที่", "เมื่อ", "ในวันที่", "ใน", "วันที่", "วัน", "vào", "lúc", "ngày", "am", "le", "el", "em", "no dia",
    "a", "il giorno", "il", "in data", "op", "den", "d.", "kl", "w dniu", "dnia", "dne", "v", "ve", "dňa", "pe", "în", "в", "у", "στις", "την",
    "στην", "στο", "في", "بتاريخ", "בתאריך", "ב-", "ביום", "em", "il giorno", "na", "på", "datum", "dana", "u", "le", "lúc", "ที่", "---- on", "quoting", "在", "于", "於",
    "от", "від", "από", "du", "van", "von", "de", "from",
)  # fmt: skip

DAYS = (
    "mon", "tue", "wed", "thu", "fri", "sat", "sun", "sen", "sel", "rab", "kam", "jum", "sab", "min", "isnin", "selasa", "rabu", "khamis", "jumaat",
    "sabtu", "ahad", "senin", "kamis", "jumat", "minggu", "isn", "kha", "ahd", "จ.", "อ.", "พ.", "พฤ.", "ศ.", "ส.", "อา.", "จันทร์", "อังคาร", "พุธ",
    "พฤหัส", "ศุกร์", "เสาร์", "อาทิตย์", "th 2", "th 3", "th 4", "th 5", "th 6", "th 7", "cn", "thứ", "chủ nhật", "周", "星期", "月曜", "火曜",
    "mo", "di", "mi", "do", "fr", "sa", "so", "lun", "mar", "mer", "jeu", "ven", "sam", "dim", "mié", "jue", "vie", "sáb", "dom", "seg", "ter", "qua",
    "qui", "sex", "gio", "ma", "wo", "vr", "za", "zo", "mån", "tis", "ons", "tors", "fre", "lör", "sön", "man", "tir", "tor", "lør", "søn", "ti", "ke",
    "to", "pe", "la", "su", "pon", "wt", "śr", "czw", "pt", "sob", "nie", "po", "út", "st", "čt", "pá", "ne", "пн", "вт", "ср", "чт", "пт", "сб",
    "вс", "нд", "понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье", "понеділок", "вівторок", "середа", "четвер",
    "п'ятниця", "субота", "неділя", "pzt", "sal", "çar", "per", "cum", "cmt", "paz", "δευ", "τρί", "τετ", "πέμ", "παρ", "σάβ", "κυρ", "الاثنين",
    "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد", "सोम", "मंगल", "बुध", "गुरु", "शुक्र", "शनि", "रवि", "lunes", "martes",
    "mán", "þri", "mið", "fim", "fös", "lau", "пон", "уто", "сре", "чет", "пет", "суб", "нед", "সোম", "মঙ্গল", "বুধ", "বৃহ", "শুক্র", "শনি", "রবি", "o luns", "o martes",
    "o mércores", "o xoves", "o venres", "o sáb", "o dom", "星期", "woensdag", "maandag", "dinsdag", "donderdag", "vrijdag", "zaterdag", "zondag",
)  # fmt: skip

LABELS: dict[str, tuple[str, ...]] = {
    "from": (
        "from", "von", "de", "da", "van", "fra", "från", "lähettäjä", "od", "от", "від", "от кого", "kimden", "gönderen", "από", "من", "מאת",
        "प्रेषक", "से", "dari", "daripada", "จาก", "ผู้ส่ง", "từ", "người gửi", "发件人", "寄件者", "寄件人", "發件人", "差出人", "送信者", "보낸 사람", "보낸사람",
        "발신", "de la", "expéditeur", "mittente", "remitente", "remetente", "feladó", "afzender", "absender", "pengirim", "penghantar", "sender",
        "message from", "desde", "sent by", "šalje", "шаље", "nuo", "saatja", "no",
    ),
    "sent": (
        "sent", "gesendet", "gesendet am", "envoyé", "envoyé le", "enviado", "enviado el", "enviado em", "enviada", "enviada em", "enviada el", "inviato",
        "inviato il", "verzonden", "verzonden op", "sendt", "skickat", "lähetetty", "wysłano", "wysłane", "data wysłania", "odesláno", "odoslané",
        "отправлено", "отправлен", "надіслано", "відправлено", "gönderildi", "gönderilen", "gönderme tarihi", "gönderilme zamanı", "στάλθηκε", "απεστάλη", "εστάλη",
        "تم الإرسال", "تاريخ الإرسال", "أرسلت", "أُرسلت", "مُرسلة", "נשלח", "נשלח ב", "भेजा गया", "भेजा", "प्रेषित", "dikirim", "terkirim", "dihantar",
        "telah dihantar", "tarikh dihantar", "ส่งเมื่อ", "ส่ง", "ส่งแล้ว", "วันที่ส่ง", "đã gửi", "gửi", "ngày gửi", "gửi lúc", "发送时间", "發送時間", "傳送時間", "寄件日期",
        "發送日期", "发送日期", "送信日時", "送信", "보낸 날짜", "보낸날짜", "날짜", "trimis", "elküldve", "küldve", "poslano", "изпратено", "waktu",
        "послато", "išsiųsta", "saadetud", "nosūtīts", "enviat", "enviat el",
    ),
    "date": (
        "date", "datum", "fecha", "data", "dato", "päivämäärä", "päiväys", "pvm", "дата", "tarih", "ημερομηνία", "التاريخ", "תאריך", "दिनांक", "तारीख",
        "tanggal", "tarikh", "วันที่", "เวลา", "ngày", "日期", "时间", "日付", "日時", "날짜", "message du", "data e ora", "dátum", "sent on",
    ),
    "to": (
        "to", "an", "à", "a", "para", "aan", "til", "till", "vastaanottaja", "do", "komu", "pro", "кому", "kime", "alıcı", "προς", "إلى", "الى", "אל", "לכבוד",
        "प्रति", "को", "प्राप्तकर्ता", "kepada", "ke", "untuk", "ถึง", "ผู้รับ", "tới", "đến", "người nhận", "收件人", "收件者", "宛先", "받는 사람", "받는사람", "수신",
        "către", "címzett", "destinataire", "destinatario", "destinatário", "empfänger", "za", "destinatari", "prima", "прима", "kam", "adressaat", "per a",
    ),
    "cc": (
        "cc", "bcc", "kopie", "kopie an", "copie à", "copie", "copia", "cópia", "kopia", "kopi", "kopio", "копия", "копія", "bilgi", "κοιν", "κοινοποίηση",
        "نسخة", "نسخة إلى", "עותק", "העתק", "प्रतिलिपि", "สำเนา", "สำเนาถึง", "tembusan", "salinan", "salinan kepada", "đồng gửi", "抄送", "副本", "參照", "참조",
        "дк", "wspólnik", "dw", "kk",
    ),
    "subject": (
        "subject", "betreff", "objet", "sujet", "asunto", "assunto", "oggetto", "onderwerp", "emne", "ämne", "aihe", "temat", "předmět", "predmet", "тема",
        "konu", "θέμα", "الموضوع", "موضوع", "נושא", "הנדון", "विषय", "perihal", "subjek", "subyek", "hal", "judul", "perkara", "tajuk", "เรื่อง", "หัวเรื่อง",
        "หัวข้อ", "chủ đề", "tiêu đề", "主题", "主旨", "主題", "标题", "件名", "제목", "subiect", "tárgy", "efni",
        "zadeva", "tema", "teema", "tēma", "ogg",
    ),
    "other": (
        "reply-to", "reply to", "répondre à", "antwort an", "rispondi a", "risposta", "responder a", "responder para", "importance", "importancia", "priority",
        "attachments", "anlagen", "pièces jointes", "adjuntos", "anexos", "allegati", "bijlagen", "lampiran", "สิ่งที่แนบมา", "附件", "添付ファイル", "첨부 파일",
        "вложения", "organization", "priorité", "wichtigkeit", "prioritas", "keutamaan", "ความสำคัญ", "重要性", "message-id", "mailed-by", "signed-by",
    ),
}  # fmt: skip

ORIGINAL = (
    "original message", "original mail", "originalnachricht", "original-nachricht", "ursprüngliche nachricht", "ursprüngliche mail", "message d'origine",
    "message original", "message initial", "message d’origine", "mensaje original", "mensagem original", "messaggio originale", "messaggio iniziale",
    "oorspronkelijk bericht", "origineel bericht", "oorspronkelijke bericht", "oprindelig meddelelse", "original meddelelse", "ursprungligt meddelande",
    "originalmeddelande", "ursprungligt mail", "opprinnelig melding", "original melding", "alkuperäinen viesti", "wiadomość oryginalna", "oryginalna wiadomość",
    "původní zpráva", "původní e-mail", "pôvodná správa", "исходное сообщение", "оригинальное сообщение", "исходное письмо", "вихідне повідомлення",
    "початкове повідомлення", "оригінальне повідомлення", "orijinal ileti", "orijinal mesaj", "özgün ileti", "özgün mesaj", "αρχικό μήνυμα", "الرسالة الأصلية", "رسالة أصلية",
    "הודעה מקורית", "मूल संदेश", "मूल मैसेज", "pesan asli", "pesan asal", "surat asli", "email asli", "mesej asal", "e-mel asal", "ข้อความต้นฉบับ", "ข้อความเดิม",
    "ข้อความดั้งเดิม", "จดหมายต้นฉบับ", "อีเมลต้นฉบับ", "thư gốc", "tin nhắn gốc", "tin nhắn ban đầu", "原始邮件", "原始郵件", "原邮件", "原郵件", "元のメッセージ", "オリジナルメッセージ",
    "原文", "원본 메시지", "원본 메일", "원본메시지", "mesaj original", "eredeti üzenet", "reply message", "replied message", "回复的原邮件", "邮件原件", "izvorna poruka", "antwort", "original", "mail original",
)  # fmt: skip

FORWARDED = (
    "forwarded message", "begin forwarded message", "forwarded mail", "forwarded email", "weitergeleitete nachricht", "anfang der weitergeleiteten nachricht",
    "anfang der weitergeleiteten e-mail", "message transféré", "message transfere", "début du message transféré", "début du message réexpédié", "mensaje reenviado",
    "inicio del mensaje reenviado", "mensagem encaminhada", "mensagem reencaminhada", "início da mensagem encaminhada", "início da mensagem reencaminhada",
    "messaggio inoltrato", "inizio messaggio inoltrato", "doorgestuurd bericht", "begin doorgestuurd bericht", "videresendt meddelelse", "start på videresendt besked",
    "videresendt besked", "vidarebefordrat meddelande", "vidarebefordrat brev", "vidarebefordrat mejl", "videresendt melding", "videresendt e-post",
    "välitetty viesti", "välitetty viesti alkaa", "przekazana wiadomość", "wiadomość przekazana dalej", "wiadomość przekazana", "początek przekazywanej wiadomości",
    "přeposlaná zpráva", "začátek přeposílané zprávy", "preposlaná správa", "пересылаемое сообщение", "пересланное сообщение", "переадресованное сообщение",
    "начало переадресованного сообщения", "начало пересылаемого сообщения", "переслане повідомлення", "перенаправлене повідомлення", "початок листа, що пересилається",
    "yönlendirilen ileti", "iletilen mesaj", "iletilmiş mesaj", "yönlendirilen mesaj", "başlangıç iletilen mesaj", "προωθημένο μήνυμα", "διαβιβασμένο μήνυμα",
    "رسالة معاد توجيهها", "الرسالة المعاد توجيهها", "رسالة مُعاد توجيهها", "بداية الرسالة المعاد توجيهها", "הודעה שהועברה", "העברת הודעה", "अग्रेषित संदेश",
    "फ़ॉरवर्ड किया गया संदेश", "pesan terusan", "pesan yang diteruskan", "pesan diteruskan", "mulai pesan yang diteruskan", "awal pesan yang diteruskan",
    "mesej dimajukan", "mesej yang dimajukan", "mesej yang dikirim semula", "mula mesej dimajukan", "mesej dipanjangkan", "ข้อความที่ส่งต่อ", "ข้อความที่ถูกส่งต่อ",
    "เริ่มข้อความที่ส่งต่อ", "เริ่มต้นข้อความที่ส่งต่อ", "ข้อความที่ถูกส่งต่อเริ่มต้น", "thư được chuyển tiếp", "thư đã chuyển tiếp", "bắt đầu thư được chuyển tiếp",
    "tin nhắn được chuyển tiếp", "转发的邮件", "转发邮件", "轉寄郵件", "轉寄的郵件", "已转发的邮件", "下面是被转发的邮件", "開始轉寄的郵件", "转发邮件信息", "転送メッセージ", "転送されたメッセージ", "転送されたメッセージの始まり",
    "전달된 메시지", "전달된 메일", "전달된 메시지의 시작", "전달 메시지", "mesaj redirecționat", "továbbított üzenet", "proslijeđena poruka",
)  # fmt: skip

SENT_FROM = (
    # Each is the beginning of a line of at most 120 letters.
    r"sent (?:from|via|with|using|by|on) (?:my |the |a |an )?\S", r"sent a magnificent", r"sent from", r"sent (?:securely )?(?:from|with) proton", r"get outlook for", r"get \[?outlook for",
    r"from my (?:iphone|ipad|android|samsung|blackberry|phone|mobile|huawei|galaxy)", r"sent from yahoo mail", r"yahoo mail: ", r"download (?:yahoo|outlook|gmail)",
    r"<<sent by", r"\(sent from", r"this (?:message|email|e-mail) was sent from (?:my|a) (?:mobile|phone|iphone|android)", r"composed on my",
    r"someone from mobile", r"typed on", r"envoy[ée]+ (?:de|du|depuis|à partir|avec|par|via)", r"télécharge[rz]? outlook", r"obtenez outlook", r"obtenir outlook", r"provenance : ", r"obtener outlook",
    r"von meinem? .{0,60}gesendet", r"von .{0,50}gesendet", r"gesendet (?:von|mit|über|via|aus|vom)", r"diese (?:nachricht|e-mail|mail) wurde (?:von|mit|über) .{0,80}gesendet", r"outlook für (?:ios|android)", r"holen sie sich outlook", r"outlook für",
    r"enviado (?:desde|do|de|a partir|através|por|con|con|via|com|pelo)", r"enviada? (?:do|a partir)", r"obter o outlook", r"inviato (?:da|dal|con|tramite|via)", r"ottieni outlook", r"scarica outlook",
    r"verzonden (?:vanaf|met|vanuit|via|door)", r"verstuurd (?:vanaf|met|vanuit|via)", r"outlook voor", r"obt[eé]n outlook", r"download outlook", r"sendt (?:fra|med|via)", r"hent outlook", r"last ned outlook",
    r"skickat (?:från|med|via)", r"hämta outlook", r"lähetetty ", r"hanki outlook", r"wysłan[eoay] (?:z|ze|za|przez)", r"pobierz outlook", r"odesl[aá]no (?:z|ze|pomocí)", r"stáhnout outlook", r"získejte outlook", r"odoslané z",
    r"отправлено (?:с|из|со|через)", r"скачайте outlook", r"получить outlook", r"надіслано (?:з|із|зі|через|за)", r"відправлено (?:з|із|зі)", r"завантажити outlook",
    r".{0,60}(?:dan|den|ten|tan|'dan|'den|mdan|imden|ımdan) gönderildi", r"outlook(?:'|’)?u (?:edinin|indirin)", r"στάλθηκε (?:από|με)", r"εστάλη από", r"απεστάλη από", r"λήψη outlook",
    r"(?:تم ال[إا]رسال|أ?ُ?رسلت|مرسل[ة]?|أرسل) (?:من|عبر|بواسطة)", r"نשלח מ", r"נשלח מ", r"נשלח מ", r"קבל את outlook", r".{0,60}(?:से|द्वारा) भेजा गया",
    r"dikirim (?:dari|menggunakan|melalui|lewat|dengan|via)", r"terkirim dari", r"dapatkan outlook", r"unduh outlook", r"dihantar (?:dari|daripada|menggunakan|melalui|dengan)", r"muat turun outlook",
    r"ส่งจาก", r"ส่งมาจาก", r"ถูกส่งจาก", r"ส่งโดย", r"ส่งด้วย", r"ดาวน์โหลด outlook", r"รับ outlook", r"(?:được |đã )?gửi (?:từ|bằng|qua)", r"(?:được|đã) gửi từ", r"tải outlook", r"nhận outlook",
    r"发自", r"發自", r"[来來]自.{0,20}(?:iphone|ipad|android|outlook|mail|qq|[手客邮郵网網华小魅])", r"从(?:我的|.{0,30})?.{0,40}(?:发送|傳送|发出)", r"從.{0,40}(?:傳送|發送|寄出)", r"通过.{0,40}发送", r"获取 ?outlook", r"取得 ?outlook", r"下載 ?outlook", r"下载 ?outlook", r"使用.{0,30}发送",
    r".{0,40}(?:iphone|ipad|android|スマートフォン|携帯|xperia|galaxy).{0,10}から(?:送信|送られ)", r"outlook for (?:ios|android|windows)", r".{0,40}から送信", r"나의 .{0,40}에서 보냄", r".{0,50}에서 보냄", r".{0,50}에서 보낸", r"outlook for .{0,20}받기",
    r"trimis (?:de pe|din|cu)", r"iphone-?omról küldve", r"poslano (?:s|iz|z)",
)  # fmt: skip

DEVICES = (
    # A line "Sent with …" that names none of these may as well be about a parcel.
    r"my |i-?(?:phone|pad|os)|android|galaxy|samsung|xperia|huawei|xiaomi|nokia|pixel|outlook|mail|posta|poczt|почт|correo|courrier|yahoo|proton|spark|nine\b|windows|blackberry|phone|telefon"
    r"|mobil|handy|tablet|apple|aqua|sparrow|airmail|zoho|mozilla|thunderbird|superhuman|hey\b|vodafone|t-mobile|verizon|at&t|5g|[手携]|スマ|휴대|มือถือ|โทรศัพท์|điện thoại|ponsel|gmx|web\.de|https?:"
)

FORWARD_PREFIXES = r"(?:fwd?|wg|tr|rv|enc|doorst|vb|vl|pd|ilt|πρθ|转发|轉寄|転送|전달|trs|terusan|ส่งต่อ) ?[:：] ?\S"

ABOVE = (
    # What help desks put over what they send, so that the answer stands above it.
    r"(?:reply|respond|response|write|type|answer|antwort|schreib|répon|repon|respond|respuesta|responda|scriv|rispond|balas|jawab|ตอบ|trả lời|回复|回覆|返信|회신).{0,60}"
    r"(?:above this line|oberhalb dieser (?:zeile|linie)|über dieser (?:zeile|linie)|au-dessus de cette ligne|encima de esta línea|acima desta linha|sopra (?:di )?questa (?:riga|linea)|boven deze (?:regel|lijn)"
    r"|di atas (?:baris|garis) ini|เหนือ(?:บรรทัด|เส้น)นี้|trên dòng này|(?:此|这|這)(?:行|线|線)(?:之|以)?上)"
)

FOOTERS = (
    # What a gateway, a virus scanner or a list puts under a mail, below all that was quoted.
    r"intended (?:only |solely |exclusively )?(?:for|recipient|to be)|(?:are|is|be) (?:strictly )?confidential|confidentiality notice|legally privileged|is privileged|disclaimer\b|virus-?free|free of viruses"
    r"|(?:scanned|checked|screened) (?:for|by|with)|auf viren|virengeprüft|avast|mailscanner|before printing|consider the environment|unsubscribe|you received this (?:message|e-?mail) because|mailing list"
    r"|vertrauliche? |confidenti(?:els|el|elles|elle) et|destinataires?\.|exclusivamente (?:al|a su|ao)|información confidencial|informações? confidencia|esclusivamente (?:al|ai|per)|riservat[eo]|uitsluitend bestemd"
    r"|(?:bersifat|adalah) rahasia|penerima yang dimaksud|maklumat sulit|penerima yang dinamakan|เป็นความลับ|bảo mật|virus(?:es)? .{0,40}(?:gescannt|geprüft)|機密|机密|기밀|konfidensial|luottamukselli|poufn|důvěrn|конфиденциальн"
)

# ── What machines write; patterns for lower-case text ────────────────────────────────────────

DAEMON = (
    r"(?:^|[._+/-])(?:mailer-?daemon|mail-?daemon|postmaster|mdaemon|mmdf|bounces?|mail-?delivery|mailerdaemon|microsoftexchange[0-9a-f]{20,40}|symantec_antivirus.*|"
    r"mail-?system|maildeliverysystem|mailsystem|daemon|smtpd|amavis|virus-?scanner|mailmarshal|mailsweeper)(?:[._+/-]|$)"
)

MAYBE_DAEMON = (
    # Also what a courier or a person in an office is called: their words must be a mail server's.
    r"(?:^|[._+/-])(?:delivery|nobody|smtp|mta|mail[._-]?(?:service|server|gateway|relay|admin|administrator|router))(?:[._+/-]|$)"
)

DAEMON_NAME = r"mail(?:er)? ?(?:delivery|daemon|transport|administrator|transfer)|delivery (?:sub)?system|postmaster|postverwaltung|system administrator|mail gateway"

BOUNCE_SUBJECT = (
    r"(?:undeliver(?:able|ed)|delivery (?:status notification|failure|failed|has failed|problem|error|report|unsuccessful|incomplete|delayed|delay|was unsuccessful|status)"
    r"|(?:mail|message|e-?mail) (?:delivery )?(?:failed|failure|error|status|delayed|system error|could not be delivered|not delivered|undeliverable|bounced|rejected|blocked|returned)"
    r"|mail delivery|failure notice|failure delivery|returned mail|return(?:ed|ing) (?:to sender|message)|returned to sender|undelivered mail|could not (?:send|deliver|be delivered)"
    r"|non[- ]?delivery|not delivered|cannot deliver|can't deliver|unable to deliver|delivery to the following|rejected (?:mail|message|by)|bounce|permanent error|warning: (?:could not send|message)"
    r"|message you sent (?:blocked|to)|you .{0,80} (?:are|is) not (?:a )?member|banned|virus (?:found|detected)|user unknown|unknown (?:user|address|recipient)|(?:mailbox|mail box|quota) (?:is )?(?:full|exceeded)|nondeliverable"
    r"|unzustellbar|nicht zugestellt|zustellung|nachricht nicht|non remis|échec de (?:la )?remise|non distribu|no se (?:ha podido|pudo) entregar|no entregado|devuelto|não entregue|não foi possível entregar|falha na entrega"
    r"|mancata consegna|non recapita(?:t|bil)|onbestelbaar|niet bezorgd|olevererbart|kunde inte levereras|ikke leveret|kan ikke leveres|toimittamat|niedostarczon|nie dostarczono|nedoručiteln|не доставлен|недоставленн|не удалось доставить"
    r"|no se puede entregar|no se ha entregado|impossibile recapitare|mancato recapito|non (?:è stato )?consegnat|não (?:é|foi) possível entregar|não entregue|remise impossible|n'a pas pu être remis"
    r"|går inte att leverera|kunde inte leverera|kunne ikke levere|kan ikke levere|ei voi(?:da|tu)? toimittaa|ei toimitettu|недоставлен|не ?доставлен|не уда[её]тся доставить|не вдалося доставити|kézbesíthetetlen|sikertelen kézbesítés"
    r"|nu a putut fi livrat|nelivrat|nije isporučen|ni dostavljeno|δεν (?:παραδόθηκε|είναι δυνατή η παράδοση)|تعذر التسليم|لم يتم التسليم|לא ניתן למסירה|לא נמסר"
    r"|ส่งไม่(?:ได้|ถึง)|ไม่สามารถ(?:จัด)?ส่ง|การ(?:จัด)?ส่ง.{0,20}ล้มเหลว|pengiriman (?:gagal|tidak)|penghantaran gagal|tidak terkirim|未送达|未送達|無法傳遞|无法传递|(?:传输|投递|发送|传送|傳送|遞送)失败|(?:投遞|遞送|寄送)失敗|無法投遞|无法送达|배달되지 않음|배달 ?(?:실패|못)|발송 ?실패|delivery failure"
    r"|teslim edilemedi|gagal (?:terkirim|dikirim|dihantar)|tidak (?:dapat|terkirim)|tidak dapat (?:dikirim|dihantar)|ไม่สามารถส่ง|ส่งไม่สำเร็จ|không (?:gửi|thể gửi)|退信|退回|无法投递|傳送失敗|系统退信|配信(?:不能|できません|エラー)|メール.{0,6}(?:エラー|届)|전송 ?실패|반송)"
)

BOUNCE_BODY = (
    r"could not be delivered|couldn'?t be delivered|was not delivered|not be delivered|undeliverable|unable to deliver|delivery (?:to the following|has failed|failed|failure|problem)|permanent(?:ly)? (?:error|failure|fail)"
    r"|cannot be delivered|recipient address rejected|user unknown|unknown user|no such user|mailbox (?:is )?(?:full|unavailable|not found)|over quota|does not exist|failure reason|following address(?:es)?"
    r"|returned (?:to you|mail|message)|sorry,? (?:we|i) (?:were|was|wasn't) |i wasn'?t able to deliver|message (?:could|was|has) not|your message .{0,60}(?:rejected|failed|not )|invalid (?:address|recipient)|relay(?:ing)? (?:access )?denied"
    r"|not a member of|are not member|rejected (?:your|the|by)|host or domain name not found|(?:^|\D)(?:4|5)\d\d[ -](?:4|5)\.\d\.\d|\b550\b|\b554\b|\b552\b|was blocked|has been blocked"
)

BOUNCE_TECHNICAL = (
    # What mail servers say and couriers of parcels do not.
    r"\b[45]\d\d[ -][45]\.\d|\b55[0-4]\b|\b[45]\.\d\.\d{1,2}\b|user unknown|unknown user|no such user|mailbox|smtp|recipient(?:'s)? (?:address|server)|following recipient|(?:original|your|returned|undelivered|the) (?:e-?mail|message)"
    r"|not a member|are not member|host or domain|does not exist|over quota|postmaster|mail server|mail system"
)

BOUNCE_TEMPORARY = r"will (?:keep trying|be retried|continue to|retry)|still (?:being )?(?:trying|attempt)|temporar|delayed|no need to (?:resend|retry)|not yet been delivered|mailbox (?:is )?full|over quota|quota exceeded|try again later"

NO_REPLY = r"(?:^|[._+-])(?:no[._-]?reply|do[._-]?not[._-]?reply|donotreply|noanswer|no[._-]?response|nicht[._-]?antworten|ne[._-]?pas[._-]?repondre)(?:[._+-]|$)"

AWAY = (
    r"^\W{0,3}(?:i'?m (?:on vacation|away|out of)|auto(?:matic|mated|matisch\w*|matique|m[aá]tic[ao]|maattinen)?[- :]*(?:re(?:ply|sponse|sponder|spuesta|sposta)|antwort|svar|odpowied[zź]|r[eé]ponse|resposta|vastaus)"
    r"|(?:re|aw|sv): ?(?:auto(?:matic)? ?reply)|out of (?:the )?office|out-of-office|ooo\b|away (?:from|until|message|notice)|(?:on|annual) (?:vacation|leave|holidays?)(?:\s*(?:$|[:\-–(!.])|\s(?:until|till|from|to|through|re\b))|vacation\s*(?:$|[:\-–(!]|notice|reply|message|auto|response|until|re\b)|i am (?:away|out)|currently (?:away|out)(?:\s*(?:$|[:\-–(!.])|\sof (?:the )?office|\suntil)"
    r"|abwesen|automatische antwort|autoantwort|r[eé]ponse automatique|absence\s*(?:$|[:\-–(!]|du bureau|notice|from|jusqu)|absente?\s*(?:$|[:\-–(!]|du bureau|from|until|till|jusqu)|respuesta autom|fuera de (?:la )?oficina|ausente|resposta autom|fora do escrit|risposta automatica|assente|fuori sede"
    r"|automatisch antwoord|afwezig|autosvar|automatiskt svar|automatisk svar|fr[aå]nvar|frav[æa]r|automaattinen vastaus|poissa|odpowied[zź] automatyczna|automatyczna odpowied|nieobecno|automatick[aá] odpov"
    r"|automatikus válasz|r[aă]spuns automat|samodejni odgovor|automatski odgovor|автоматичен отговор|аутоматски одговор|автовідповідь|автоответ|автоматический ответ|вне офиса|автоматична відповідь|otomatik yan|αυτόματη απάντηση|رد تلقائي|الرد التلقائي|תשובה אוטומטית|מענה אוטומטי|स्वचालित (?:उत्तर|जवाब)"
    r"|balasan otomatis|jawaban otomatis|respon otomatis|di luar kantor|balasan automatik|jawapan automatik|di luar pejabat|ตอบกลับอัตโนมัติ|การตอบกลับอัตโนมัติ|ตอบอัตโนมัติ|ไม่อยู่ที่สำนักงาน|trả lời tự động|thư trả lời tự động"
    r"|自动(?:回复|答复)|自動(?:回覆|回复|返信|応答|回答)|不在(?:\s*$|[:：]|通知|の(?:ため|お?知らせ|連絡)|です|中|に)|外出(?:\s*$|[:：]|通知|中|の(?:ため|お?知らせ)|して)|자동 ?(?:회신|응답)|부재 ?중?(?:\s*$|[:：]|입니다| ?자동| ?알림|으로))"
)
