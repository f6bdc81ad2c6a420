"""What every answer has: headers, cookies, ids; and what errors look like."""

import json
import re
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from app import create_app
from app.settings import Settings
from foundation.db import Database
from parties.people.guards import open_to_all


@pytest.fixture
def breaking(web: Flask) -> FlaskClient:
    """The application with one address that breaks."""

    def breaks() -> str:
        raise RuntimeError("the secret name of a table")

    web.add_url_rule("/breaks", "breaks", open_to_all(breaks))
    web.config["PROPAGATE_EXCEPTIONS"] = False
    return web.test_client()


def test_pages_carry_a_policy_without_unsafe_inline_and_a_fresh_nonce(client: FlaskClient) -> None:
    nonces = set()
    for _ in range(2):
        answer = client.get("/signin")
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe-inline" not in policy
        assert "unsafe-eval" not in policy.replace("wasm-unsafe-eval", "")
        assert "object-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        (nonce,) = re.findall(r"'nonce-([\w-]+)'", policy)
        scripts = re.findall(r"<script[^>]*>", answer.text)
        assert scripts
        assert all(f'nonce="{nonce}"' in script for script in scripts)
        nonces.add(nonce)
    assert len(nonces) == 2


def test_every_answer_has_the_security_headers(client: FlaskClient) -> None:
    for address in ("/", "/healthz", "/nowhere"):
        headers = client.get(address).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "microphone=()" in headers["Permissions-Policy"]


def test_cookies_are_kept_from_scripts_and_sent_over_https_only(
    settings: Settings, database: Database
) -> None:
    web = create_app(replace(settings, secure_cookies=True), database)
    answer = web.test_client().get("/signin", base_url="https://shanhuo.example")
    cookie = answer.headers["Set-Cookie"]
    for flag in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/"):
        assert flag in cookie
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


def test_a_request_has_an_id_in_answer_and_log(client: FlaskClient) -> None:
    with capture_logs() as lines:
        answer = client.get("/healthz", headers={"X-Request-Id": "abc123"})
    assert answer.headers["X-Request-Id"] == "abc123"
    (line,) = [line for line in lines if line["event"] == "request"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/healthz", 200)
    assert (
        client.get("/healthz", headers={"X-Request-Id": "a b\t<"}).headers["X-Request-Id"].isalnum()
    )


def test_the_house_answers_whether_it_lives_and_is_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json() == {"status": "ready"}


def test_what_is_not_there_is_said_in_both_languages_and_as_json(client: FlaskClient) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert "这个地址没有内容" in answer.text or 'lang="zh' in answer.text
    client.set_cookie("lang", "en")
    assert "There is nothing at this address" in client.get("/nowhere").text
    as_json = client.get("/nowhere", headers={"Accept": "application/json"})
    body = as_json.get_json()
    assert body["error"] == "not_found"
    assert body["request_id"] == as_json.headers["X-Request-Id"]


def test_a_wrong_method_and_too_large_a_form_are_refused(client: FlaskClient) -> None:
    wrong = client.post("/healthz", headers={"Accept": "application/json"})
    assert (wrong.status_code, wrong.get_json()["error"]) == (405, "method_not_allowed")
    large = client.post(
        "/signin/password",
        data={"email": "x" * (9 * 1024 * 1024)},
        headers={"Accept": "application/json"},
    )
    assert (large.status_code, large.get_json()["error"]) == (413, "too_large")


def test_a_fault_shows_its_request_and_no_trace(breaking: FlaskClient) -> None:
    with capture_logs() as lines:
        page = breaking.get("/breaks")
    assert page.status_code == 500
    assert page.headers["X-Request-Id"] in page.text
    for word in ("secret name", "RuntimeError", "Traceback"):
        assert word not in page.text
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["unhandled fault"]
    body = breaking.get("/breaks", headers={"Accept": "application/json"})
    assert body.get_json()["error"] == "internal"
    assert "secret" not in json.dumps(body.get_json())


def test_asking_too_often_is_refused_with_a_sentence(
    settings: Settings, database: Database
) -> None:
    web = create_app(replace(settings, rate_limits=True), database)
    web.config["WTF_CSRF_ENABLED"] = False
    client = web.test_client()
    answers = [
        client.post("/signin/password", data={}, headers={"Accept": "application/json"})
        for _ in range(60)
    ]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert answers[0].status_code != 429
    assert refused
    assert refused[0].get_json()["error"] == "too_many_requests"


def test_a_form_without_its_token_is_refused_and_says_why(
    settings: Settings, database: Database
) -> None:
    client = create_app(settings, database).test_client()
    answer = client.post("/signin/password", data={"email": "a@example.com", "password": "x"})
    assert answer.status_code == 400
    as_json = client.post("/signout", data={}, headers={"Accept": "application/json"})
    assert as_json.get_json()["error"] == "csrf"


def test_a_database_that_is_away_is_not_ready(web: Flask) -> None:
    web.config["PROPAGATE_EXCEPTIONS"] = False

    class Away:
        def reading(self) -> object:
            raise ConnectionError("away")

    web.extensions["database"] = Away()
    answer = web.test_client().get("/readyz", headers={"Accept": "application/json"})
    assert answer.status_code == 500
    assert web.test_client().get("/healthz").status_code == 200


def test_pages_and_style_sheets_are_compressed_for_who_asks(client: FlaskClient) -> None:
    for path in ("/trace", "/static/css/base.css"):
        asked, given = [], []
        for how in ("identity", "br"):
            with client.get(path, headers={"Accept-Encoding": how}) as answer:
                asked.append(answer.headers.get("Content-Encoding", "identity"))
                given.append(len(answer.data))
                assert "Accept-Encoding" in answer.headers["Vary"]
        assert asked == ["identity", "br"]
        assert given[1] < given[0] / 2
