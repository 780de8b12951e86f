"""The demo's texts, people, statuses and hours. None of them is real."""

from typing import Any

from pushlog.statuses import Channel

# The code is None without a receipt.
Status = tuple[str, int | None]


def _exactly(words: str, length: int) -> str:
    return (words * (length // len(words) + 1))[:length]


# Weight, title, content with a number.
SHOP = [
    (200, "您的订单已发货", "订单 %s 已交给快递员,预计明天送达。"),
    (120, "包裹已到驿站", "订单 %s 的包裹已到驿站,为您保留三天,取件时请带上手机。"),
    (100, "Order on its way", "Your order %s has left our warehouse and should arrive tomorrow."),
    (80, "支付成功", "订单 %s 已付款,感谢您的信任。"),
    (60, "Delivered", "Order %s was handed over at your door. Tell us how it went."),
    (50, "🎉 预售开始啦", "活动 %s 今晚八点开始,数量有限,先到先得。"),
    (40, "طلبك في الطريق", "غادر الطلب رقم %s المستودع وسيصل غدًا."),
    (40, "आपका ऑर्डर रास्ते में है", "ऑर्डर %s गोदाम से निकल चुका है और कल पहुँचेगा।"),
    (40, "📦 Out for delivery 🚚", "The courier has order %s on board. 👍🏽"),
    (30, "退款已到账", "退货单 %s 的款项已原路退回。"),
    (30, "Back in stock", "An article you saved can be ordered again: number %s."),
    (20, "👨‍👩‍👧‍👦 Family days", "Everything for a weekend outside. Voucher no. %s is in your app."),
    (20, "Tea < 10 € & more", "Today's offers are on page %s. Prices shown as <b>net</b> are not for you."),
    (10, "", "A silent message: the app fetches basket %s again."),
    (10, _exactly("New every day at the corner shop: ", 50), "At Xiaomi's limit for titles. Offer %s."),
    (10, _exactly("Fresh fruit, bread and flowers, ", 40), "At Huawei's limit for titles. Offer %s."),
    (10, _exactly("Two for one until noon, ", 32), "At OPPO's limit for titles. Offer %s."),
    (10, _exactly("街角小店每天上新欢迎光临", 20), "vivo 的标题上限。活动 %s。"),
    (10, _exactly("今晚八点全场满减别错过好机会", 30), "荣耀的标题上限。活动 %s。"),
    (5, _exactly("The longest title that the log takes. ", 500), "At the log's own limit. Offer %s."),
    (2, "Terms of the autumn lottery", "Lottery %s. " + "Each ticket counts once and cannot be sold. " * 90),
    (1, "活动规则全文", "活动 %s。" + "每位用户限参加一次,奖品不可转让。" * 600),
]
BANK = [
    (200, "Money received", "A transfer has reached your account. Reference %s."),
    (150, "Zahlungseingang", "Auf Ihrem Konto ist eine Zahlung eingegangen. Vorgang %s."),
    (120, "Card payment", "You paid by card. Reference %s. If it was not you, block the card in the app."),
    (80, "Überweisung ausgeführt", "Ihr Auftrag %s wurde ausgeführt."),
    (80, "Confirm your sign-in", "Open the app to confirm sign-in %s. We never ask for codes on the phone."),
    (50, "转账成功", "您的转账已处理,流水号 %s。"),
    (40, "🔒 New device", "Your account was opened on a new device. Case %s."),
    (30, "تم استلام الحوالة", "وصلت الحوالة رقم %s إلى حسابك."),
    (30, "खाते में राशि जमा हुई", "आपके खाते में राशि जमा हुई। संदर्भ %s।"),
    (30, "Statement ready", "Your monthly statement no. %s is in the mailbox of your app."),
    (20, "Dauerauftrag nicht ausgeführt", "Auftrag %s: Das Konto war nicht gedeckt."),
    (10, _exactly("Please read: our terms change. ", 40), "At Apple's limit for titles. Letter %s."),
    (5, "New terms", "Letter %s. " + "We have written the terms anew so that they are easier to read. " * 60),
]
CAMPAIGNS = [
    ("双十一提前逛", "会场已开放,活动编号 %s。"),
    ("Winter is coming ❄️", "Coats and boots, picked for you. Campaign %s."),
    ("Wartung am Sonntag", "Die App ist von 2 bis 4 Uhr nicht erreichbar. Meldung %s."),
    ("عروض نهاية الأسبوع", "خصومات على آلاف المنتجات. الحملة رقم %s."),
]

EXTRAS: list[dict[str, Any]] = [
    {},
    {},
    {},
    {},
    {"page": "orders"},
    {"url": "https://example.com/orders?from=push", "badge": 1},
    {"page": "offer", "args": {"id": "A-1207", "tags": ["new", "tea"]}, "silent": False},
    {"note": "<script>alert('shown as text')</script> & \"quotes\"", "表情": "😀"},
]
# Details of an unusual status.
DETAILS = ["", "", "", "reported by the vendor", "after a second attempt", "供应商返回错误"]

# Weights of the local hours of a day.
BY_HOUR = [3, 2, 1, 1, 1, 2, 5, 9, 14, 17, 18, 17, 19, 16, 15, 15, 16, 18, 20, 22, 24, 20, 13, 7]
# Seconds until a message expires.
VALIDITY = [600, 3_600, 86_400, 86_400, 259_200, None]
# Statuses of the three per cent not simply delivered.
COMMON: list[Status] = [
    *[("own", 0)] * 8,
    *[("own", 1), ("own", 3)] * 5,
    *[("own", None), ("apns", 2011), ("huawei", 80000004)] * 2,
    *[("own", -1), ("huawei", 3), ("apns", 3)],
    *[(channel.word, 2) for channel in Channel if channel != Channel.OWN],
]
# Statuses of new messages.
WAITING: list[Status] = [("own", 0), ("own", 1), ("own", None)]

# Odd, so its multiples modulo 2^256 are distinct. They look like tokens.
_MIX = 0x9E3779B97F4A7C15F39CC0605CEDC8341082276BF3A27251F86C6A11D0C18E95
_NAMES = ["ada", "bo", "cem", "dana", "eli", "fay", "gus"]


def target(app: str, person: int, channel: str) -> tuple[str, str]:
    """Push type and target ID of a person (numbered from 1).

    No Chinese number begins with 100, and example.com is reserved, so nobody has them.
    """
    token = f"{(person + 1) * _MIX % (1 << 256):064x}"
    if channel != "own":
        return {"apns": "ios", "harmony": "harmony"}.get(channel, "android"), token
    kind = person % 10
    if kind < 5:
        return (
            "user",
            f"+86100{person:08d}" if app == "shop" else f"{_NAMES[person % 7]}.{person}@example.com",
        )
    if kind < 9:
        return ("android", "android", "ios", "harmony")[kind - 5], token
    return "user", f"member-{person:09d}"


def customer_id(index: int, created: int) -> str:
    kind = index % 20
    if kind < 16:
        return f"{created}{index % 1_000_000:06d}"
    return f"ORDER-{index:010d}" if kind < 19 else f"{(index + 1) * _MIX % (1 << 128):032x}"
