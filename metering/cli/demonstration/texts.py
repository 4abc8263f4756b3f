"""What people text: many scripts, emoji, short and long. Leaves counting parts to `rating`."""

# ruff: noqa: RUF001 - letters that look like Latin ones are what these texts are about

from __future__ import annotations

TEXTS: tuple[str, ...] = (
    # GSM-7, one part
    "Your code is {n}. It is valid for 10 minutes.",
    "Reminder: your appointment is on Tuesday at 9:30. Reply C to cancel.",
    "Your parcel {n} is out for delivery today between 14:00 and 16:00.",
    "Thanks for your order {n}! We'll text you when it ships.",
    "Table for 4 confirmed, Friday 20:00. See you soon!",
    "Low balance: 3.20 left. Top up at example.com/top-up",
    "Flight {n} now departs from gate B12. Boarding starts at 17:45.",
    "ok, see you there",
    # GSM-7 with letters of its extension table, which count twice
    "Price drop: 49 € instead of 79 € [until Sunday]",
    "Config {n}: {key=value|other} ~ ^done^",
    # GSM-7, several parts
    (
        "Dear customer, our offices will be closed from 24 to 26 December. Urgent matters can be reported at any time"
        " by calling the number on your card. All messages that reach us meanwhile will be answered on 27 December, in"
        " the order in which they came. We thank you for your trust and wish you a peaceful holiday. Reference {n}"
    ),
    # Latin beyond GSM-7: the whole text turns to UCS-2
    "Su código es {n}. No lo comparta con nadie. Válido 10 minutos.",
    "Olá! A sua encomenda {n} já saiu para entrega. Até já, João",
    "Twój kod to {n}. Ważny przez 10 minut, dziękujemy za zakupy",
    "Siparişiniz {n} yola çıktı. Teşekkürler, iyi günler dileriz",
    "Vaše objednávka {n} je připravena k vyzvednutí. Děkujeme",
    "Mã xác thực của bạn là {n}. Vui lòng không chia sẻ với bất kỳ ai",
    # Other scripts
    "Ваш код: {n}. Никому его не сообщайте.",
    "Ваше замовлення {n} вже в дорозі. Дякуємо, що ви з нами!",
    "Ο κωδικός σας είναι {n}",
    "Το ραντεβού σας επιβεβαιώθηκε για την Τρίτη στις 10:00. Απαντήστε ΑΚΥΡΟ για ακύρωση.",
    "رمز التحقق الخاص بك هو {n}. لا تشاركه مع أي شخص.",
    "קוד האימות שלך הוא {n}. אין למסור אותו לאיש.",
    "आपका सत्यापन कोड {n} है। इसे किसी के साथ साझा न करें।",
    "আপনার অর্ডার {n} পাঠানো হয়েছে। ধন্যবাদ!",
    "உங்கள் குறியீடு {n}",
    "รหัสยืนยันของคุณคือ {n} กรุณาอย่าเปิดเผยแก่ผู้อื่น",
    "您的验证码是{n},10分钟内有效,请勿泄露给他人。",
    "您的包裹 {n} 已送達門市,請於三日內取件,謝謝!",
    "認証コードは{n}です。第三者に教えないでください。",
    "ご予約を承りました。12月3日(水)19時、4名様。お待ちしております。",
    "인증번호는 {n}입니다. 타인에게 알려주지 마세요.",
    "თქვენი კოდია {n}",
    "Ձեր կոդն է՝ {n}",
    # Emoji: surrogate pairs, skin tones, families joined by U+200D, flags
    "Happy birthday! 🎂🎉🥳",
    "On my way 🚗💨 10 min",
    "👍🏽",
    "We are all here 👨‍👩‍👧‍👦❤️ come over, number {n} 🇪🇸🇯🇵🇧🇷",
    "😀😃😄😁😆😅😂🤣🥲😊😇🙂🙃😉😌😍🥰😘😗😙😚😋😛😝😜🤪🤨🧐🤓😎🥸🤩🥳😏😒😞😔😟😕🙁",
    "Sale 🔥🔥🔥 -50 % on everything until midnight ⏰ code WINTER{n} 🛍️👟👗🧥 example.com/sale — reply STOP to opt out",
)
