"""The words of mails and text messages. Chinese first; sent long after the page, so not gettext."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Letter:
    """A subject (mails only) and a body."""

    subject: str
    body: str


NAME: Final = {"zh": "晋城山货", "en": "Jincheng Mountain Goods"}

CODES: Final = {
    ("sign_in", "zh"): ("登录验证码", "{code} 是您的登录验证码，{minutes} 分钟内有效。"),
    ("sign_in", "en"): (
        "Your sign-in code",
        "{code} is your sign-in code. Valid {minutes} minutes.",
    ),
    ("sign_up", "zh"): ("注册验证码", "{code} 是您的注册验证码，{minutes} 分钟内有效。"),
    ("sign_up", "en"): (
        "Your sign-up code",
        "{code} is your sign-up code. Valid {minutes} minutes.",
    ),
    ("reset", "zh"): ("重设密码的验证码", "{code} 是您重设密码的验证码，{minutes} 分钟内有效。"),
    ("reset", "en"): (
        "Your password reset code",
        "{code} is your code for a new password. Valid {minutes} minutes.",
    ),
}
WARNING: Final = {
    "zh": "不是您本人在操作，就不用理会，也不要把它告诉别人。",
    "en": "If you did not ask for it, ignore this message and tell nobody the code.",
}
TAKEN: Final = {
    "zh": (
        "这个邮箱已经有账号",
        "有人用这个邮箱注册，但它已经有账号了。是您的话，请直接登录；"
        "忘了密码，可以在登录页上重设。不是您，就不用理会。",
    ),
    "en": (
        "This address already has an account",
        "Somebody tried to sign up with this address, which already has an account. If it was "
        "you, please sign in; a forgotten password can be reset on the sign-in page. If not, "
        "ignore this message.",
    ),
}
CHANGED: Final = {
    "zh": (
        "密码已更改",
        "您的账号密码刚刚更改，其他设备上的登录已经退出。不是您改的，请马上在登录页重设密码。",
    ),
    "en": (
        "Your password was changed",
        "The password of your account was just changed and other devices were signed out. If it "
        "was not you, please reset the password on the sign-in page at once.",
    ),
}


RECALLED: Final = {
    "zh": (
        "您买的商品已召回",
        "您的订单 {orders} 里有召回的商品：{goods}。原因：{reason}"
        "请停止食用或使用，凭订单全额退款，退货方法见订单页。召回编号 {number}。",
    ),
    "en": (
        "Goods you bought are recalled",
        "Your order {orders} has recalled goods in it: {goods}. Reason: {reason} Please stop "
        "eating or using them; you get a full refund with the order, and its page says how to "
        "send them back. Recall {number}.",
    ),
}
MOST_NAMED: Final = 5
"""So many goods or orders are named in a letter; the rest are said to be more."""


def code_letter(purpose: str, code: str, minutes: int, *, language: str) -> Letter:
    """Write the message that carries a one-time code."""
    subject, body = CODES[purpose, language]
    gap = "" if language == "zh" else " "
    body = body.format(code=code, minutes=minutes) + gap + WARNING[language]
    return _sign(subject, body, language)


def taken_letter(*, language: str) -> Letter:
    """Tell an owner that somebody tried to sign up with their address again."""
    return _sign(*TAKEN[language], language)


def changed_letter(*, language: str) -> Letter:
    """Tell an owner that the password has changed."""
    return _sign(*CHANGED[language], language)


def recall_letter(
    number: str,
    names: Sequence[str],
    lots: Sequence[str],
    orders: Sequence[str],
    reason: str,
    *,
    language: str,
) -> Letter:
    """Tell a buyer that goods of these orders are recalled, and what to do."""
    english = language == "en"
    pairs = list(dict.fromkeys(zip(names, lots, strict=True)))
    goods = [f"{name} (lot {lot})" if english else f"{name}（批次 {lot}）" for name, lot in pairs]
    subject, body = RECALLED[language]
    body = body.format(
        orders=_few(orders, english=english),
        goods=_few(goods, english=english),
        reason=_ended(reason, english=english),
        number=number,
    )
    return _sign(subject, body, language)


def _few(words: Sequence[str], *, english: bool) -> str:
    shown = (", " if english else "、").join(words[:MOST_NAMED])
    if len(words) > MOST_NAMED:
        shown += " and more" if english else " 等"
    return shown


def _ended(sentence: str, *, english: bool) -> str:
    if sentence.endswith((".", "。", "!", "?", "！", "？")):
        return sentence
    return f"{sentence}." if english else f"{sentence}。"


def _sign(subject: str, body: str, language: str) -> Letter:
    name = NAME[language]
    return Letter(subject, f"【{name}】{body}" if language == "zh" else f"{name}: {body}")
