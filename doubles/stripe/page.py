"""The hosted payment page: plain HTML forms, one origin, no script, for a 360 px phone.

It says first and in large type that nothing is charged. Forms post to the page's own
address, so that the page also works behind a path prefix.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from doubles.stripe import rules
from doubles.stripe.cards import TEST_CARD
from doubles.stripe.shapes import token
from doubles.stripe.store import Json

_LOCAL = timezone(timedelta(hours=8))  # the region's own time: China has no other

_WORDS: dict[str, dict[str, str]] = {
    "zh": {
        "lang": "zh-CN",
        "title": "付款（演示）",
        "notice": "演示用的支付替身，不会真的扣款",
        "notice_more": "这一页由本系统自己提供，不是 Stripe、微信或支付宝。请不要填写真实卡号。",
        "to": "付给",
        "merchant": "晋城山货（演示）",
        "order": "订单",
        "until": "请在 {time} 前付款",
        "what": "这一单",
        "total": "合计",
        "how": "怎么付",
        "wechat_pay": "微信支付",
        "alipay": "支付宝",
        "card": "银行卡",
        "card_hint": "试用卡号已经填好，直接按下面的按钮就行。",
        "number": "卡号",
        "expiry": "有效期（月/年）",
        "cvc": "安全码",
        "pay_card": "用这张卡付 {amount}",
        "other_cards": "想看看付不成的样子，换一个试用卡号",
        "cancel": "取消，回到商店",
        "paid": "这一单已经付过了。",
        "expired": "这一页过了付款时间，没有扣款。",
        "nothing": "没有这张付款单。",
        "shop": "回到商店",
        "stale": "这一页放得太久了，请再按一次。",
        "try_decline": "银行拒付",
        "try_funds": "余额不足",
        "try_refund": "付得成，退款会失败",
    },
    "en": {
        "lang": "en",
        "title": "Payment (demo)",
        "notice": "A demo stand-in for payment: no money moves",
        "notice_more": "This page belongs to this system, not to Stripe, WeChat or Alipay. Do not "
        "type a real card number.",
        "to": "To",
        "merchant": "Jincheng Mountain Goods (demo)",
        "order": "Order",
        "until": "Please pay before {time} (China time)",
        "what": "This order",
        "total": "Total",
        "how": "How to pay",
        "wechat_pay": "WeChat Pay",
        "alipay": "Alipay",
        "card": "Bank card",
        "card_hint": "A test card is filled in already; just press the button below.",
        "number": "Card number",
        "expiry": "Expires (MM/YY)",
        "cvc": "Security code",
        "pay_card": "Pay {amount} with this card",
        "other_cards": "To see a payment fail, take another test card",
        "cancel": "Cancel and go back to the shop",
        "paid": "This order has already been paid.",
        "expired": "The time to pay on this page is over. Nothing was charged.",
        "nothing": "There is no such payment.",
        "shop": "Back to the shop",
        "stale": "This page was open for too long. Please press again.",
        "try_decline": "the bank declines",
        "try_funds": "insufficient funds",
        "try_refund": "pays, but a refund fails",
    },
}
# What the payer reads for Stripe's codes; the finer code is looked up first.
_REFUSALS: dict[str, dict[str, str]] = {
    "zh": {
        "generic_decline": "银行没有同意这次付款，没有扣款。请换一张卡，或者换一种付法。",
        "insufficient_funds": "这张卡余额不足，没有扣款。请换一张卡，或者换一种付法。",
        "expired_card": "这张卡已经过期。请换一张卡。",
        "incorrect_cvc": "安全码不对。请看卡背面的三位数字。",
        "processing_error": "银行那边暂时没有处理成，没有扣款。请再试一次。",
        "test_mode_live_card": "这里只收试用卡号，请不要填写真实的卡。",
        "incorrect_number": "卡号不对。请再核对一遍。",
        "invalid_expiry_month": "有效期的月份不对，应该是 01 到 12。",
        "invalid_expiry_year": "有效期已经过了，或者年份不对。",
        "invalid_cvc": "安全码应该是三位数字。",
    },
    "en": {
        "generic_decline": "The bank declined. Nothing was charged. Try another card or way.",
        "insufficient_funds": "Not enough money on this card. Nothing was charged. Try another.",
        "expired_card": "This card has expired. Try another card.",
        "incorrect_cvc": "The security code is wrong. It is the three digits on the back.",
        "processing_error": "The bank could not process this. Nothing was charged. Try again.",
        "test_mode_live_card": "Only test cards are taken here. Do not type a real card.",
        "incorrect_number": "The card number is wrong. Check it once more.",
        "invalid_expiry_month": "The month must be 01 to 12.",
        "invalid_expiry_year": "This date is past, or the year is wrong.",
        "invalid_cvc": "The security code has three digits.",
    },
}
_INITIALS = {"wechat_pay": "微", "alipay": "支", "card": "卡"}


@dataclass(frozen=True, slots=True)
class Form:
    """What stands in the card's fields, and what is wrong with one of them."""

    number: str = "4242 4242 4242 4242"
    expiry: str = f"{TEST_CARD.expires_month:02d}/{TEST_CARD.expires_year % 100:02d}"
    cvc: str = TEST_CARD.cvc
    wrong: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """An HTML page with the headers that belong to it."""

    status: int
    html: str
    policy: str


def language(session: Json | None, accepted: str) -> str:
    """Take the session's language, else the browser's: `zh` unless English is asked for."""
    asked = (session or {}).get("locale")
    if asked in (None, "auto"):
        asked = accepted.strip()[:2]
    return "en" if str(asked).startswith("en") else "zh"


def refusal_text(lang: str, code: str, decline_code: str | None) -> str:
    """Say to the payer why a card is not taken."""
    texts = _REFUSALS[lang]
    return texts.get(decline_code or "") or texts.get(code) or texts["generic_decline"]


def guard_token(secret: str, guard: str, session_id: str) -> str:
    """Bind a form to this browser's cookie and this session, so that no other site can post it."""
    message = f"{guard}:{session_id}".encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def open_page(
    session: Json, lines: Sequence[Json], lang: str, guard: str, form: Form | None = None
) -> Page:
    """Show what is to be paid and the ways to pay it."""
    words = _WORDS[lang]
    amount = rules.money(session["amount_total"], session["currency"])
    sign = rules.SIGNS[session["currency"]]
    until = words["until"].format(time=f'<span class="nb">{_until(session, lang)}</span>')
    form = form or Form()
    stale = f'<p class="wrong" role="alert">{words["stale"]}</p>' if "page" in form.wrong else ""
    ways = [
        _wallet(words, way, guard, amount)
        for way in ("wechat_pay", "alipay")
        if way in session["payment_method_types"]
    ]
    if "card" in session["payment_method_types"]:
        ways.append(_card(words, guard, amount, form))
    back = (
        f'<a class="back" href="{escape(session["cancel_url"])}">{words["cancel"]}</a>'
        if session["cancel_url"]
        else ""
    )
    body = f"""<h1>{words["to"]}{"" if lang == "zh" else " "}{words["merchant"]}</h1>
<p class="amount"><small>{sign}</small>{escape(amount.removeprefix(sign))}</p>
<p class="facts">{until}{_order(session, words)}</p>
{stale}<h2>{words["how"]}</h2>
{"".join(ways)}
<h2>{words["what"]}</h2>
{_lines(words, lines, amount)}
{back}"""
    return _page(200 if not form.wrong else 422, words, body, session)


def closed_page(session: Json | None, lang: str) -> Page:
    """Say that there is nothing to pay here: paid, too late, or never there."""
    words = _WORDS[lang]
    if session is None:
        return _page(404, words, f'<p class="said">{words["nothing"]}</p>', None)
    paid = session["status"] == "complete"
    back = success_url(session) if paid else session["cancel_url"]
    said = words["paid"] if paid else words["expired"]
    amount = rules.money(session["amount_total"], session["currency"])
    facts = f'<p class="facts">{escape(amount)}{_order(session, words)}</p>'
    link = f'<a class="back" href="{escape(back)}">{words["shop"]}</a>' if back else ""
    return _page(200 if paid else 410, words, f'<p class="said">{said}</p>{facts}{link}', session)


def success_url(session: Json) -> str:
    """Give the address to return to, with the session's id put in where it is asked for."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _order(session: Json, words: Mapping[str, str]) -> str:
    """Name the order, when the shop has told its number."""
    number = session["metadata"].get("order_number") or session["client_reference_id"]
    if not number:
        return ""
    return f'<br>{words["order"]} <span class="nb">{escape(str(number))}</span>'


def _until(session: Json, lang: str) -> str:
    """Give the local time when the page closes, with the day when it is another one."""
    opened = datetime.fromtimestamp(session["created"], _LOCAL)
    closes = datetime.fromtimestamp(session["expires_at"], _LOCAL)
    time = f"{closes:%H:%M}"
    if closes.date() == opened.date():
        return time
    return f"{closes.month} 月 {closes.day} 日 {time}" if lang == "zh" else f"{closes:%d %b} {time}"


def _wallet(words: Mapping[str, str], way: str, guard: str, amount: str) -> str:
    return f"""<form method="post"><input type="hidden" name="guard" value="{guard}">
<button class="way {way}" name="method" value="{way}"><i aria-hidden="true">{_INITIALS[way]}</i>\
<span>{words[way]}</span><b>{escape(amount)}</b></button></form>
"""


def _card(words: Mapping[str, str], guard: str, amount: str, form: Form) -> str:
    tries = (
        ("4000 0000 0000 0002", "try_decline"),
        ("4000 0000 0000 9995", "try_funds"),
        ("4000 0000 0000 5126", "try_refund"),
    )
    other = "".join(f"<dt>{number}</dt><dd>{words[what]}</dd>" for number, what in tries)
    pay = words["pay_card"].format(amount=escape(amount))
    return f"""<form class="cardbox" method="post" autocomplete="off" novalidate>
<h3><i aria-hidden="true">{_INITIALS["card"]}</i>{words["card"]}</h3>
<p class="hint">{words["card_hint"]}</p>
<input type="hidden" name="guard" value="{guard}">
{_field(words, "number", form.number, form.wrong, 23)}
<div class="pair">{_field(words, "expiry", form.expiry, form.wrong, 7)}\
{_field(words, "cvc", form.cvc, form.wrong, 4)}</div>
<button class="pay" name="method" value="card">{pay}</button>
<details><summary>{words["other_cards"]}</summary><dl>{other}</dl></details>
</form>"""


def _field(
    words: Mapping[str, str], name: str, value: str, wrong: Mapping[str, str], longest: int
) -> str:
    said = ""
    tied = ""
    if name in wrong:
        said = f'<p class="wrong" id="{name}-wrong" role="alert">{escape(wrong[name])}</p>'
        tied = f' aria-invalid="true" aria-describedby="{name}-wrong"'
    return (
        f'<div><label for="{name}">{words[name]}</label>'
        f'<input id="{name}" name="{name}" value="{escape(value)}" inputmode="numeric" '
        f'maxlength="{longest}" autocomplete="off" spellcheck="false"{tied}>{said}</div>'
    )


def _lines(words: Mapping[str, str], lines: Sequence[Json], amount: str) -> str:
    rows = []
    for line in lines:
        price = rules.money(line["price"]["unit_amount"], line["currency"])
        total = rules.money(line["amount_total"], line["currency"])
        many = (
            f"<small>{escape(price)} × {line['quantity']}</small>" if line["quantity"] > 1 else ""
        )
        rows.append(
            f"<tr><td>{escape(line['description'])}{many}</td><td>{escape(total)}</td></tr>"
        )
    foot = f"<tr><td>{words['total']}</td><td>{escape(amount)}</td></tr>"
    return f"<table><tbody>{''.join(rows)}</tbody><tfoot>{foot}</tfoot></table>"


def _page(status: int, words: Mapping[str, str], body: str, session: Json | None) -> Page:
    nonce = token(22)
    html = f"""<!doctype html>
<html lang="{words["lang"]}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><meta name="format-detection" content="telephone=no">
<title>{words["title"]}</title><style nonce="{nonce}">{_style()}</style></head><body>
<header class="notice"><strong>{words["notice"]}</strong>
<span>{words["notice_more"]}</span></header>
<main>
{body}
</main></body></html>
"""
    # Browsers hold a form's redirect against form-action too.
    origins = {
        f"{parts.scheme}://{parts.netloc}"
        for url in ((session or {}).get("success_url"), (session or {}).get("cancel_url"))
        if url and (parts := urlsplit(url))
    }
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {' '.join(sorted(origins))}".rstrip()
    )
    return Page(status, html, policy)


@cache
def _style() -> str:
    return Path(__file__).with_name("page.css").read_text(encoding="utf-8")
