"""What makes an address, a password, a code and a waiting time right. No database, no clock."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from foundation.errors import BadInput
from parties.people.errors import WeakPassword
from parties.people.permissions import Role

EMAIL: Final = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}"
)
MOBILE: Final = re.compile(r"1[3-9]\d{9}", re.ASCII)
LONGEST_EMAIL: Final = 254
LONGEST_NAME: Final = 30
SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD: Final = 128
FEWEST_CHARACTERS: Final = 4

CODE_DIGITS: Final = 6
CODE_LIFE: Final = timedelta(minutes=5)
CODE_TRIES: Final = 5
CODE_PAUSE: Final = timedelta(seconds=60)
CODES_A_DAY: Final = 10
DAY: Final = timedelta(days=1)

FREE_FAILURES: Final = 5
FIRST_LOCK: Final = timedelta(minutes=1)
LONGEST_LOCK: Final = timedelta(hours=1)

CONSUMER_STAY: Final = timedelta(days=14)
STAFF_STAY: Final = timedelta(hours=12)

COMMON: Final = frozenset(
    """
    1234567890 0123456789 0987654321 1234567891 12345678910 123456789a 1234567890a a123456789
    a1234567890 aa123456789 q123456789 abc1234567 abc123456789 abcd123456 abcd1234567 abc1234567890
    123456789abc 1234554321 1122334455 112233445566 1223334444 147258369 1472583690 147852369
    1478523690 9876543210 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc 1qaz2wsx1qaz qwertyuiop qwertyuiop1
    qwerty123456 qwerty12345 qwer123456 qwe1234567 asdfghjkl1 asdfghjkl123 zxcvbnm123 password12
    password123 password1234 password12345 passw0rd123 p@ssw0rd123 p@ssword123 administrator
    admin12345 admin123456 adminadmin letmein123 iloveyou123 iloveyou520 woaini1314 woaini520
    woaini1314520 5201314520 52013141314 1314520520 woaiwojia520 wodemima123 mima123456 sunshine123
    football123 superman123 jincheng123 jincheng2026 changeme123 welcome123 welcome1234 test123456
    """.split()  # noqa: SIM905 -- seventy quoted words would hide the list
)


def normal_text(text: str) -> str:
    """Give `text` with full-width letters and digits made plain and its ends trimmed."""
    return unicodedata.normalize("NFKC", text).strip()


def normal_email(text: str) -> str:
    """Give the one spelling under which an e-mail address is kept; BadInput when it is none."""
    email = normal_text(text).lower()
    local = email.partition("@")[0]
    dotted = local.startswith(".") or local.endswith(".") or ".." in local
    if len(email) > LONGEST_EMAIL or dotted or not EMAIL.fullmatch(email):
        raise BadInput("Write the e-mail address like name@example.com", field="email")
    return email


def normal_phone(text: str) -> str:
    """Give the eleven digits of a mainland mobile number; BadInput when it is none.

    Spaces, hyphens, full-width digits and the country code +86, 0086 or 86 are understood.
    """
    digits = re.sub(r"[\s\-().·–—]+", "", normal_text(text))
    digits = re.sub(r"^(?:\+86|0086|86(?=1\d{10}$))", "", digits)
    if not MOBILE.fullmatch(digits):
        raise BadInput("Write the 11 digits of a mainland mobile number", field="phone")
    return digits


def normal_name(text: str) -> str:
    """Give a display name without control characters and doubled spaces; BadInput when too long."""
    plain = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    name = " ".join(unicodedata.normalize("NFC", plain).split())
    if len(name) > LONGEST_NAME:
        raise BadInput(
            "A name may have %(most)s characters at most", field="display_name", most=LONGEST_NAME
        )
    return name


def normal_code(text: str) -> str:
    """Give the digits of a typed code; anything else comes back as typed and will not match."""
    return re.sub(r"\s+", "", normal_text(text))


def normal_password(text: str) -> str:
    """Give the one spelling of a password, whatever input method typed it (NFKC, RFC 8265)."""
    return unicodedata.normalize("NFKC", text)


def check_password_rules(password: str, *, email: str | None = None) -> str:
    """Give the password's one spelling, or raise WeakPassword saying what is wrong with it."""
    password = normal_password(password)
    plain = password.casefold()
    local = email.partition("@")[0] if email else ""
    if len(password) < SHORTEST_PASSWORD:
        raise WeakPassword(
            "A password needs at least %(least)s characters",
            field="password",
            least=SHORTEST_PASSWORD,
        )
    if len(password) > LONGEST_PASSWORD:
        raise WeakPassword(
            "A password may have %(most)s characters at most",
            field="password",
            most=LONGEST_PASSWORD,
        )
    if email and plain.strip() in {email, local}:
        raise WeakPassword("The password must not be the e-mail address", field="password")
    if plain in COMMON or len(set(plain)) < FEWEST_CHARACTERS:
        raise WeakPassword("This password is one of the first a thief tries", field="password")
    return password


def lock_for(failures: int) -> timedelta | None:
    """Give how long an account is shut after its nth wrong password in a row; None: not at all."""
    if failures < FREE_FAILURES:
        return None
    return min(FIRST_LOCK * (1 << min(failures - FREE_FAILURES, 10)), LONGEST_LOCK)


def minutes_left(until: datetime, now: datetime) -> int:
    """Give the whole minutes until `until`, at least one."""
    return max(1, -int((now - until).total_seconds() // 60))


@dataclass(frozen=True, slots=True)
class CodeWait:
    """Why no code may be sent now: `seconds` to wait, or the day's allowance is used up."""

    seconds: int | None


def code_wait(sent: list[datetime], now: datetime) -> CodeWait | None:
    """Tell whether the next code must wait, given when codes went to this target; None: it goes."""
    recent = [moment for moment in sent if moment > now - DAY]
    if len(recent) >= CODES_A_DAY:
        return CodeWait(None)
    last = max(recent, default=None)
    if last is not None and last > now - CODE_PAUSE:
        return CodeWait(max(1, round((last + CODE_PAUSE - now).total_seconds())))
    return None


def stay_for(roles: frozenset[Role]) -> timedelta:
    """Give how long a sign-in lasts: two weeks for shoppers, one shift for everyone else."""
    return CONSUMER_STAY if roles <= {Role.CONSUMER} else STAFF_STAY


def safe_path(text: str | None) -> str | None:
    """Give `text` when it is a path on this site, else None, so that no link leads elsewhere."""
    if not text or not text.startswith("/") or text.startswith("//") or "\\" in text:
        return None
    strange = any(unicodedata.category(c)[0] == "C" or c.isspace() for c in text)
    return None if strange else text


SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("HarmonyOS", "HarmonyOS"),
    ("Linux", "Linux"),
)
BROWSERS: Final = (
    ("MicroMessenger", "WeChat"),
    ("HuaweiBrowser", "Huawei Browser"),
    ("QQBrowser", "QQ Browser"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)


def device_name(user_agent: str) -> str:
    """Give the browser and system of a User-Agent header in two words, "" when unknown."""
    found = [
        next((name for mark, name in names if mark in user_agent), "")
        for names in (BROWSERS, SYSTEMS)
    ]
    return " · ".join(name for name in found if name)
