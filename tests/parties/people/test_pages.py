"""The door of people over HTTP, as a browser without scripts meets it."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_login import user_logged_in
from sqlalchemy import event, func, select
from werkzeug.test import TestResponse

from app import create_app
from app.settings import Settings
from foundation import clock
from foundation.db import Database
from parties.people import services
from parties.people.guards import current_actor
from parties.people.models import Account, ApiToken, SentMessage, SignIn
from parties.people.permissions import SYSTEM, Grant, Role
from tests.factories.people import EMAIL, PASSWORD, PHONE, code_in, last_letter, sign_in_as

NEW = "山后又是一座山和一条河"
WRONG = "不是这个密码不是这个密码"


def open_account(database: Database, *grants: Grant, **other: object) -> int:
    told = {"email": EMAIL, "password": PASSWORD, "display_name": "王小禾"} | other
    with database.transaction() as session:
        return services.create_account(
            session,
            grants=grants or (Grant(Role.CONSUMER),),
            actor=SYSTEM,
            now=clock.now(),
            **told,  # type: ignore[arg-type]
        ).id


def sign_in(client: FlaskClient, password: str = PASSWORD, **more: str) -> TestResponse:
    return client.post("/signin/password", data={"email": EMAIL, "password": password, **more})


def code_for(database: Database, target: str) -> str:
    with database.reading() as session:
        return code_in(last_letter(session, target))


def count(database: Database, table: type) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def cookie(client: FlaskClient, name: str = "shanhuo") -> str | None:
    found = client.get_cookie(name)
    return found.value if found is not None else None


def token_in(page: str) -> str:
    found = re.search(r'name="csrf_token" (?:type="hidden" )?value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


@pytest.fixture
def signed_in(database: Database, client: FlaskClient) -> FlaskClient:
    """A shopper's browser."""
    open_account(database)
    assert sign_in(client).status_code == 303
    return client


def test_a_phone_and_its_code_open_the_door(database: Database, client: FlaskClient) -> None:
    assert "获取验证码" in client.get("/signin").text
    page = client.post("/signin/code", data={"phone": "139 0356 0000", "next": "/me/account"})
    assert page.status_code == 200
    assert PHONE in page.text
    code = code_for(database, PHONE)
    data = {"phone": PHONE, "code": "000000" if code != "000000" else "1", "next": "/me/account"}
    wrong = client.post("/signin/phone", data=data)
    assert wrong.status_code == 400
    assert "验证码不对" in wrong.text
    answer = client.post("/signin/phone", data=data | {"code": code})
    assert (answer.status_code, answer.location) == (303, "/me/account")
    assert PHONE in client.get("/me/account").text


def test_five_wrong_codes_stay_counted_between_requests(
    database: Database, client: FlaskClient
) -> None:
    client.post("/signin/code", data={"phone": PHONE})
    code = code_for(database, PHONE)
    for _ in range(5):
        client.post("/signin/phone", data={"phone": PHONE, "code": "x"})
    last = client.post("/signin/phone", data={"phone": PHONE, "code": code})
    assert last.status_code == 400
    assert "验证码已失效" in last.text
    assert count(database, Account) == 0


def test_a_phone_that_is_none_is_kept_and_explained(client: FlaskClient) -> None:
    page = client.post("/signin/code", data={"phone": "0356-2021234"})
    assert page.status_code == 400
    assert 'value="0356-2021234"' in page.text
    assert "请填写 11 位大陆手机号" in page.text


def test_a_second_code_must_wait(client: FlaskClient) -> None:
    client.post("/signin/code", data={"phone": PHONE})
    page = client.post("/signin/code", data={"phone": PHONE})
    assert page.status_code == 429
    assert "验证码刚发过" in page.text


def test_a_wrong_password_says_so_and_is_not_written_back(
    database: Database, client: FlaskClient
) -> None:
    open_account(database)
    page = sign_in(client, WRONG)
    assert page.status_code == 403
    assert "邮箱或密码不对" in page.text
    assert EMAIL in page.text
    assert WRONG not in page.text
    assert count(database, SignIn) == 0


def test_five_wrong_passwords_lock_over_http(database: Database, client: FlaskClient) -> None:
    open_account(database)
    statuses = [sign_in(client, WRONG).status_code for _ in range(5)]
    assert statuses == [403] * 4 + [429]
    page = sign_in(client)
    assert page.status_code == 429
    assert "1 分钟后再试" in page.text


def test_signing_in_changes_the_cookie_and_the_form_token(
    settings: Settings, database: Database
) -> None:
    open_account(database)
    secure = replace(settings, secure_cookies=True)
    client = create_app(secure, database).test_client()
    before = token_in(client.get("/signin?by=password", base_url="https://localhost").text)
    planted = cookie(client)
    assert planted is not None
    headers = {"Referer": "https://localhost/signin"}
    answer = client.post(
        "/signin/password",
        data={"email": EMAIL, "password": PASSWORD, "csrf_token": before},
        base_url="https://localhost",
        headers=headers,
    )
    assert answer.status_code == 303
    assert cookie(client) != planted
    stranger = client.application.test_client()
    stranger.set_cookie("shanhuo", planted, domain="localhost", secure=True)
    assert stranger.get("/me/account", base_url="https://localhost").status_code == 302
    old = client.post(
        "/signout", data={"csrf_token": before}, base_url="https://localhost", headers=headers
    )
    assert old.status_code == 400
    flags = next(one for one in answer.headers.getlist("Set-Cookie") if "shanhuo=" in one)
    for flag in ("Secure", "HttpOnly", "SameSite=Lax"):
        assert flag in flags


@pytest.mark.parametrize(
    "path",
    [
        *("/signin/code", "/signin/phone", "/signin/password", "/signup", "/signup/finish"),
        *("/password/forgot", "/password/reset", "/signout", "/demo/signin"),
    ],
)
def test_a_form_without_its_token_is_refused(
    settings: Settings, database: Database, path: str
) -> None:
    open_account(database)
    client = create_app(settings, database).test_client()
    answer = client.post(path, data={"email": EMAIL, "password": PASSWORD, "phone": PHONE})
    assert answer.status_code == 400
    assert "请重新" in answer.text or "再" in answer.text
    assert count(database, SignIn) == count(database, SentMessage) == 0


def test_only_who_has_signed_in_needs_a_token_to_choose_a_language(
    settings: Settings, database: Database
) -> None:
    """A visitor's choice is a cookie; an account's is kept with it, and could be forged."""
    own = open_account(database)
    client = create_app(settings, database).test_client()
    page = client.get("/trace")
    assert "csrf_token" not in page.text
    assert "Set-Cookie" not in page.headers
    chosen = client.post("/language", data={"language": "en"})
    assert chosen.status_code == 303
    assert "lang=en" in chosen.headers["Set-Cookie"]
    sign_in_as(client, database, own)
    assert client.post("/language", data={"language": "zh"}).status_code == 400
    with database.reading() as session:
        assert session.get_one(Account, own).language == "zh"
    token = token_in(client.get("/trace").text)
    done = client.post("/language", data={"language": "en", "csrf_token": token})
    assert done.status_code == 303
    with database.reading() as session:
        assert session.get_one(Account, own).language == "en"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", ""],
)
def test_signing_in_never_leads_to_another_site(
    database: Database, client: FlaskClient, elsewhere: str
) -> None:
    open_account(database)
    answer = sign_in(client, next=elsewhere)
    assert answer.status_code == 303
    assert answer.location is not None
    assert answer.location.startswith("/")
    assert "evil" not in answer.location


def test_a_page_for_members_leads_to_the_sign_in_and_back(
    database: Database, client: FlaskClient
) -> None:
    open_account(database)
    turned = client.get("/me/account")
    assert turned.status_code == 302
    assert turned.location == "/signin?next=/me/account"
    page = client.get(turned.location.replace("?", "?by=password&"))
    assert 'value="/me/account"' in page.text
    assert sign_in(client, next="/me/account").location == "/me/account"


def test_a_visitor_costs_no_statement(web: Flask, database: Database, client: FlaskClient) -> None:
    client.get("/signup")  # has a session now, for the form's token
    statements: list[str] = []

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(database.bind, "before_cursor_execute", note)
    try:
        assert client.get("/signup").status_code == 200
        assert web.test_client().get("/signup").status_code == 200
    finally:
        event.remove(database.bind, "before_cursor_execute", note)
    assert [one for one in statements if "SAVEPOINT" not in one] == []


def test_a_member_costs_one_statement(database: Database, signed_in: FlaskClient) -> None:
    statements: list[str] = []

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(database.bind, "before_cursor_execute", note)
    try:
        assert signed_in.get("/signup").status_code == 302
    finally:
        event.remove(database.bind, "before_cursor_execute", note)
    assert len([one for one in statements if "SAVEPOINT" not in one]) == 1


def test_other_doors_hear_of_a_sign_in_and_the_basket_stays(
    web: Flask, database: Database, client: FlaskClient
) -> None:
    heard: list[int | None] = []

    def listen(_app: Flask, **_: object) -> None:
        heard.append(current_actor().id)

    own = open_account(database)
    with client.session_transaction() as kept:
        kept["basket"], kept["other"] = "one jar", "planted"
    with user_logged_in.connected_to(listen, web):
        sign_in(client)
    assert heard == [own]
    with client.session_transaction() as kept:
        assert kept["basket"] == "one jar"
        assert "other" not in kept


def test_a_test_may_sign_in_past_the_page(web: Flask, database: Database) -> None:
    client = web.test_client()
    sign_in_as(client, database, open_account(database))
    assert client.get("/me/account").status_code == 200


def test_signing_out_kills_the_cookie_on_the_server(web: Flask, signed_in: FlaskClient) -> None:
    stolen = cookie(signed_in)
    assert stolen is not None
    thief = web.test_client()
    thief.set_cookie("shanhuo", stolen, domain="localhost")
    assert thief.get("/me/account").status_code == 200
    assert signed_in.post("/signout").location == "/signin"
    assert "已退出登录" in signed_in.get("/signin").text
    assert thief.get("/me/account").status_code == 302


def test_an_old_session_dies_when_the_password_changes(web: Flask, signed_in: FlaskClient) -> None:
    elsewhere = web.test_client()
    sign_in(elsewhere)
    assert elsewhere.get("/me/account").status_code == 200
    wrong = signed_in.post("/me/account/password", data={"old": WRONG, "password": NEW})
    assert wrong.status_code == 403
    assert "现在的密码不对" in wrong.text
    weak = signed_in.post("/me/account/password", data={"old": PASSWORD, "password": "1234567890"})
    assert weak.status_code == 400
    assert "太容易猜到" in weak.text
    assert "1234567890" not in weak.text
    done = signed_in.post("/me/account/password", data={"old": PASSWORD, "password": NEW})
    assert done.status_code == 303
    assert signed_in.get("/me/account").status_code == 200
    assert elsewhere.get("/me/account").status_code == 302
    assert sign_in(web.test_client(), NEW).status_code == 303


def test_signing_out_everywhere_reaches_every_device(web: Flask, signed_in: FlaskClient) -> None:
    elsewhere = web.test_client()
    sign_in(elsewhere)
    signed_in.post("/signout/everywhere")
    assert signed_in.get("/me/account").status_code == 302
    assert elsewhere.get("/me/account").status_code == 302


def test_one_device_can_be_signed_out_and_nobody_elses(
    web: Flask, database: Database, signed_in: FlaskClient
) -> None:
    elsewhere = web.test_client()
    sign_in(elsewhere)
    page = signed_in.get("/me/account").text
    paths = re.findall(r"/me/account/devices/\d+/end", page)
    assert len(paths) == 1
    stranger = web.test_client()
    open_account(database, email="stranger@example.com")
    stranger.post("/signin/password", data={"email": "stranger@example.com", "password": PASSWORD})
    assert stranger.post(paths[0]).status_code == 404
    assert elsewhere.get("/me/account").status_code == 200
    assert signed_in.post(paths[0]).status_code == 303
    assert elsewhere.get("/me/account").status_code == 302


def test_signing_up_asks_for_a_code_and_opens_the_account(
    database: Database, client: FlaskClient
) -> None:
    assert client.post("/signup", data={"email": "wang"}).status_code == 400
    page = client.post("/signup", data={"email": " Wang@Example.com"})
    assert page.status_code == 200
    data = {"email": EMAIL, "code": code_for(database, EMAIL), "password": PASSWORD}
    weak = client.post("/signup/finish", data=data | {"password": "short"})
    assert weak.status_code == 400
    assert "至少要 10 个字符" in weak.text
    wrong = client.post("/signup/finish", data=data | {"code": "12"})
    assert wrong.status_code == 400
    assert count(database, Account) == 0
    answer = client.post("/signup/finish", data=data | {"next": "/me/account"})
    assert (answer.status_code, answer.location) == (303, "/me/account")
    assert "账号已开好" in client.get("/me/account").text
    for path in ("/signup/finish", "/password/reset", "/signin/code"):
        assert client.get(path).status_code == 302


def test_signing_up_tells_nobody_who_has_an_account(
    database: Database, client: FlaskClient
) -> None:
    open_account(database)
    known = client.post("/signup", data={"email": EMAIL})
    unknown = client.post("/signup", data={"email": "other@example.com"})
    assert known.status_code == unknown.status_code == 200
    assert (
        known.text.replace(EMAIL, "").split("<main")[1][:600]
        == unknown.text.replace("other@example.com", "").split("<main")[1][:600]
    )


def test_a_forgotten_password_is_replaced_by_mail(
    web: Flask, database: Database, signed_in: FlaskClient
) -> None:
    visitor = web.test_client()
    known = visitor.post("/password/forgot", data={"email": EMAIL})
    unknown = visitor.post("/password/forgot", data={"email": "nobody@example.com"})
    assert known.status_code == unknown.status_code == 200
    assert count(database, SentMessage) == 1
    data = {"email": EMAIL, "code": code_for(database, EMAIL), "password": NEW}
    assert visitor.post("/password/reset", data=data | {"code": "1"}).status_code == 400
    assert visitor.post("/password/reset", data=data).status_code == 303
    assert visitor.get("/me/account").status_code == 200
    assert signed_in.get("/me/account").status_code == 302
    assert web.test_client().post("/password/reset", data=data).status_code == 400


def test_the_profile_keeps_what_was_typed_and_says_what_is_wrong(
    signed_in: FlaskClient,
) -> None:
    long = "禾" * 31
    page = signed_in.post("/me/account/profile", data={"display_name": long, "language": "zh"})
    assert page.status_code == 400
    assert long in page.text
    page = signed_in.post("/me/account/profile", data={"display_name": "王禾", "language": "fr"})
    assert page.status_code == 400
    done = signed_in.post("/me/account/profile", data={"display_name": "王禾", "language": "en"})
    assert done.status_code == 303
    assert cookie(signed_in, "lang") == "en"
    assert "Name and language" in signed_in.get("/me/account").text


def test_the_language_is_remembered_in_browser_and_account(
    database: Database, client: FlaskClient
) -> None:
    answer = client.post("/language", data={"language": "en", "next": "/signup"})
    assert (answer.status_code, answer.location) == (303, "/signup")
    assert "Open an account" in client.get("/signup").text
    assert client.post("/language", data={"language": "fr"}).status_code == 400
    away = client.post("/language", data={"language": "zh", "next": "//evil.example"})
    assert away.location == "/"
    own = open_account(database)
    sign_in(client)
    client.post("/language", data={"language": "en"})
    with database.reading() as session:
        assert session.get_one(Account, own).language == "en"


def test_a_new_browser_speaks_the_accounts_language(
    database: Database, client: FlaskClient
) -> None:
    open_account(database, language="en")
    sign_in(client)
    assert cookie(client, "lang") == "en"


def test_ones_own_data_come_as_json(signed_in: FlaskClient) -> None:
    assert signed_in.get("/me/account").headers["Cache-Control"] == "no-store"
    answer = signed_in.get("/me/account/data.json")
    assert answer.mimetype == "application/json"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json is not None
    assert answer.json["account"]["email"] == EMAIL


def test_closing_needs_a_tick_and_is_for_good(
    web: Flask, database: Database, signed_in: FlaskClient
) -> None:
    assert signed_in.post("/me/account/close").status_code == 400
    assert signed_in.get("/me/account").status_code == 200
    assert signed_in.post("/me/account/close", data={"sure": "y"}).status_code == 303
    assert signed_in.get("/me/account").status_code == 302
    assert sign_in(web.test_client()).status_code == 403
    with database.reading() as session:
        assert session.scalars(select(Account.display_name)).one() == ""


def test_staff_make_a_token_see_it_once_and_end_it(database: Database, client: FlaskClient) -> None:
    open_account(database, Grant(Role.COUNTER_CLERK, place_id=1))
    sign_in(client)
    assert client.post("/me/account/tokens", data={"label": " "}).status_code == 400
    page = client.post("/me/account/tokens", data={"label": "收银台"})
    found = re.search(r"shanhuo_[\w-]{43}", page.text)
    assert found is not None
    again = client.get("/me/account").text
    assert found.group(0) not in again
    assert "收银台" in again
    headers = {"Authorization": f"Bearer {found.group(0)}", "Accept": "application/json"}
    outsider = client.application.test_client()
    assert outsider.get("/me/account/data.json", headers=headers).status_code == 200
    with database.reading() as session:
        token = session.scalars(select(ApiToken)).one()
        assert token.last_used_on is None
    spoken = outsider.post("/language", data={"language": "en"}, headers=headers)
    assert spoken.status_code == 303
    with database.reading() as session:
        used = session.scalars(select(ApiToken.last_used_on)).one()
        assert used == clock.business_date(clock.now()).isoformat()
    assert client.post(f"/me/account/tokens/{token.id}/end").status_code == 303
    ended = outsider.get("/me/account/data.json", headers=headers)
    assert ended.status_code == 401
    assert ended.json is not None
    assert ended.json["error"] == "not_signed_in"


def test_shoppers_make_no_tokens(database: Database, signed_in: FlaskClient) -> None:
    assert signed_in.post("/me/account/tokens", data={"label": "x"}).status_code == 403
    assert count(database, ApiToken) == 0


def test_a_token_needs_no_form_token_and_ignores_cookies(
    settings: Settings, database: Database
) -> None:
    clerk = open_account(database, Grant(Role.COUNTER_CLERK, place_id=1), email="till@example.com")
    open_account(database)
    with database.transaction() as session:
        secret = services.issue_token(session, clerk, "x", actor=SYSTEM, now=clock.now())
    web = create_app(settings, database)
    client = web.test_client()
    page = client.get("/signin?by=password", base_url="https://localhost").text
    client.post(
        "/signin/password",
        data={"email": EMAIL, "password": PASSWORD, "csrf_token": token_in(page)},
        base_url="https://localhost",
        headers={"Referer": "https://localhost/signin"},
    )
    bearing = {"Authorization": f"Bearer {secret}", "Accept": "application/json"}
    own = client.get("/me/account/data.json", headers=bearing, base_url="https://localhost")
    assert own.json is not None
    assert own.json["account"]["email"] == "till@example.com"
    outsider = web.test_client()
    done = outsider.post("/language", data={"language": "en"}, headers=bearing)
    assert done.status_code == 303
    made_up = {"Authorization": "Bearer made-up", "Accept": "application/json"}
    turned = client.get("/me/account/data.json", headers=made_up, base_url="https://localhost")
    assert turned.status_code == 401
    odd = {"Authorization": "Basic abc", "Accept": "application/json"}
    assert outsider.get("/signin", headers=odd).status_code == 200


def test_a_token_does_not_take_over_its_account(database: Database, client: FlaskClient) -> None:
    own = open_account(database, Grant(Role.COUNTER_CLERK, place_id=1))
    with database.transaction() as session:
        secret = services.issue_token(session, own, "x", actor=SYSTEM, now=clock.now())
    bearing = {"Authorization": f"Bearer {secret}", "Accept": "application/json"}
    tries = {
        "/me/account/profile": {"display_name": "贼", "language": "zh"},
        "/me/account/password": {"old": PASSWORD, "password": NEW},
        "/me/account/tokens": {"label": "贼"},
        "/me/account/tokens/1/end": {},
        "/me/account/devices/1/end": {},
        "/me/account/close": {"sure": "y"},
        "/signout/everywhere": {},
    }
    for path, data in tries.items():
        assert client.post(path, data=data, headers=bearing).status_code == 403
    assert count(database, ApiToken) == 1
    with database.reading() as session:
        assert session.get_one(Account, own).display_name == "王小禾"
        assert services.check_password(session, EMAIL, PASSWORD).right


def test_broken_forms_lead_back_to_the_start(database: Database, client: FlaskClient) -> None:
    open_account(database)
    assert client.post("/signin/phone", data={"code": "123456"}).location == "/signin"
    assert client.post("/signup/finish", data={"code": "123456"}).location == "/signup"
    assert client.post("/password/reset", data={"code": "1"}).location == "/password/forgot"
    assert client.post("/password/forgot", data={"email": "x"}).status_code == 400
    assert client.post("/signin/password", data={"email": "x"}).status_code == 400
    assert client.post("/signin/phone", data={"phone": PHONE}).status_code == 400
    assert client.post("/signout").location == "/signin"
    client.set_cookie("shanhuo", "made up", domain="localhost")
    assert client.get("/signin").status_code == 200


def test_the_demo_lets_one_choose_a_person(database: Database, client: FlaskClient) -> None:
    demo = open_account(database, email="demo@demo.example", demo=True)
    other = open_account(database)
    page = client.get("/signin").text
    assert "demo@demo.example" in page
    assert EMAIL not in page
    for asked in (str(other), "x", "9" * 30, ""):
        assert client.post("/demo/signin", data={"account_id": asked}).status_code == 404
    answer = client.post("/demo/signin", data={"account_id": str(demo), "next": "/me/account"})
    assert answer.location == "/me/account"
    page = client.get("/me/account").text
    assert "修改密码" not in page
    assert client.post("/me/account/close", data={"sure": "y"}).status_code == 403
    change = {"old": PASSWORD, "password": NEW}
    assert client.post("/me/account/password", data=change).status_code == 403


def test_a_demos_password_is_not_reset_either(database: Database, client: FlaskClient) -> None:
    open_account(database, demo=True)
    client.post("/password/forgot", data={"email": EMAIL})
    data = {"email": EMAIL, "code": code_for(database, EMAIL), "password": NEW}
    assert client.post("/password/reset", data=data).status_code == 403
    assert sign_in(client).status_code == 303


def test_the_demos_mailbox_shows_letters_newest_first(
    database: Database, client: FlaskClient
) -> None:
    assert "还没有信" in client.get("/demo/messages").text
    client.post("/signin/code", data={"phone": PHONE})
    client.post("/signup", data={"email": EMAIL})
    page = client.get("/demo/messages").text
    assert code_for(database, PHONE) in page
    assert page.index(EMAIL) < page.index(PHONE)


@pytest.fixture
def production(settings: Settings, database: Database, tmp_path: Path) -> FlaskClient:
    """A browser before an installation that is no demo and has mail but no text messages."""
    real = replace(
        settings,
        environment="production",
        data_dir=tmp_path,
        smtp_url="smtp://localhost",
        mail_from="post@shop.example",
    )
    web = create_app(real, database)
    web.config.update(WTF_CSRF_ENABLED=False)
    return web.test_client()


def test_outside_a_demo_there_is_neither_mailbox_nor_free_entry(
    database: Database, production: FlaskClient
) -> None:
    demo = open_account(database, demo=True)
    assert production.get("/demo/messages").status_code == 404
    assert production.post("/demo/signin", data={"account_id": str(demo)}).status_code == 404
    page = production.get("/signin").text
    assert EMAIL not in page
    assert "暂时不能发短信" in page
    answer = production.post("/signin/code", data={"phone": PHONE})
    assert answer.status_code == 409
    assert count(database, SentMessage) == 0


def test_asking_too_often_is_answered_with_a_page(settings: Settings, database: Database) -> None:
    web = create_app(replace(settings, rate_limits=True), database)
    web.config.update(WTF_CSRF_ENABLED=False)
    client = web.test_client()
    statuses = [client.post("/signup", data={"email": "wang"}).status_code for _ in range(12)]
    assert statuses[:10] == [400] * 10
    assert statuses[10:] == [429] * 2


def test_every_role_is_led_to_its_own_door(
    web: Flask, database: Database, landed: Callable[[str], None]
) -> None:
    landed("counters.till")
    open_account(database, Grant(Role.CONSUMER), Grant(Role.COUNTER_CLERK, place_id=1), phone=PHONE)
    client = web.test_client()
    assert sign_in(client).location == "/till-of-the-test"
    assert client.get("/signin").location == "/till-of-the-test"


@pytest.fixture
def landed(web: Flask) -> Callable[[str], None]:
    """Give a way to stand in for a door's first page."""

    def stand_in(endpoint: str) -> None:
        if endpoint in web.view_functions:
            pytest.skip("the real door is there")
        web.add_url_rule("/till-of-the-test", endpoint, lambda: "till")

    return stand_in
