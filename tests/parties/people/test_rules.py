"""Addresses, passwords, waiting times, paths: the pure rules of people."""

from datetime import timedelta

import pytest

from foundation.errors import BadInput
from parties.people import rules
from parties.people.errors import WeakPassword
from parties.people.permissions import Role
from tests.factories.people import NOON, after


@pytest.mark.parametrize(
    "typed",
    [
        "13903560000",
        " 139 0356 0000 ",
        "139-0356-0000",
        "+86 13903560000",
        "+8613903560000",
        "008613903560000",
        "8613903560000",
        "１３９０３５６００００",
        "＋８６ 139０3560000",
        "139\u00a00356\u30000000",
    ],
)
def test_a_mobile_number_is_read_however_it_is_typed(typed: str) -> None:
    assert rules.normal_phone(typed) == "13903560000"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "1390356000",
        "139035600001",
        "12903560000",
        "0356-2021234",
        "+1 2025550100",
        "1390356000x",
    ],
)
def test_what_is_no_mobile_number_is_refused(typed: str) -> None:
    with pytest.raises(BadInput) as refusal:
        rules.normal_phone(typed)
    assert refusal.value.field == "phone"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Wang@Example.COM ", "wang@example.com"),
        ("ｗａｎｇ＠example.com", "wang@example.com"),
        ("a.b+c_d@mail.sub.example.cn", "a.b+c_d@mail.sub.example.cn"),
        ("x@xn--fiqs8s.xn--fiqs8s", "x@xn--fiqs8s.xn--fiqs8s"),
    ],
)
def test_an_address_has_one_spelling(typed: str, kept: str) -> None:
    assert rules.normal_email(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        *("", "wang", "wang@", "@example.com", "wang@example", "wang@-example.com"),
        *(".wang@example.com", "wang.@example.com", "wa..ng@example.com", "wa ng@example.com"),
        *("wang@exa_mple.com", "a@b@example.com", "wang@example.com\nbcc:x@example.com"),
        "w" * 250 + "@example.com",
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(BadInput) as refusal:
        rules.normal_email(typed)
    assert refusal.value.field == "email"


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "123456789",
        "1234567890",
        "WoAiNi1314520",
        "aaaaaaaaaaaa",
        "abababababab",
        "x" * 129,
    ],
)
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        rules.check_password_rules(password)


def test_the_address_is_no_password() -> None:
    for password in ("wangxiaohe@example.com", "WangXiaoHe@example.com", "wangxiaohe"):
        with pytest.raises(WeakPassword):
            rules.check_password_rules(password, email="wangxiaohe@example.com")


def test_a_long_password_needs_neither_digits_nor_signs() -> None:
    assert rules.check_password_rules("山前山后十里花开又一年") == "山前山后十里花开又一年"
    assert rules.check_password_rules("ｃorrect horse 1") == "correct horse 1"


def test_waiting_doubles_from_a_minute_to_an_hour() -> None:
    waits = [rules.lock_for(n) for n in range(1, 14)]
    minutes = [wait and int(wait.total_seconds() // 60) for wait in waits]
    assert minutes == [None, None, None, None, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert rules.lock_for(5000) == timedelta(hours=1)


def test_minutes_left_are_rounded_up() -> None:
    assert rules.minutes_left(after(seconds=1), NOON) == 1
    assert rules.minutes_left(after(seconds=61), NOON) == 2
    assert rules.minutes_left(after(minutes=60), NOON) == 60
    assert rules.minutes_left(NOON, NOON) == 1


def test_a_second_code_waits_a_minute_and_an_eleventh_a_day() -> None:
    assert rules.code_wait([], NOON) is None
    assert rules.code_wait([after(seconds=-10)], NOON) == rules.CodeWait(50)
    assert rules.code_wait([after(seconds=-60)], NOON) is None
    ten = [after(hours=-2 * n) for n in range(1, 11)]
    assert rules.code_wait(ten, NOON) == rules.CodeWait(None)
    assert rules.code_wait(ten, after(hours=4)) is None


def test_staff_stay_for_a_shift_and_shoppers_for_two_weeks() -> None:
    assert rules.stay_for(frozenset({Role.CONSUMER})) == timedelta(days=14)
    assert rules.stay_for(frozenset()) == timedelta(days=14)
    assert rules.stay_for(frozenset({Role.CONSUMER, Role.COUNTER_CLERK})) == timedelta(hours=12)


@pytest.mark.parametrize("path", ["/", "/goods/1", "/search?q=%E8%9C%82%E8%9C%9C&page=2", "/a#b"])
def test_a_path_of_this_site_may_be_returned_to(path: str) -> None:
    assert rules.safe_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        *(None, "", "goods", "//evil.example", "///evil.example", "/\\evil.example", "\\/evil"),
        *("https://evil.example/", "javascript:alert(1)", "/\t/evil.example", "/\n/evil.example"),
        *(" //evil.example", "/ok\x00", "/a b", "//[evil"),
    ],
)
def test_a_path_that_leads_elsewhere_is_forgotten(path: str | None) -> None:
    assert rules.safe_path(path) is None


def test_a_name_loses_control_characters_and_has_an_end() -> None:
    assert rules.normal_name("  王\u202e  小\n禾 ") == "王 小 禾"
    with pytest.raises(BadInput) as refusal:
        rules.normal_name("禾" * 31)
    assert refusal.value.field == "display_name"


def test_a_device_is_named_by_browser_and_system() -> None:
    phone = "Mozilla/5.0 (Linux; Android 14; V2324A) MicroMessenger/8.0.50 Chrome/126 Safari/537"
    assert rules.device_name(phone) == "WeChat · Android"
    assert rules.device_name("curl/8.5") == ""
