"""Settings are complete or the program does not start."""

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app.demo.marks import demo_marks
from app.settings import (
    DEMO_SECRET,
    DEMO_STRIPE_KEY,
    DEMO_WEBHOOK_SECRET,
    SettingsError,
    new_secret,
    read_settings,
)

GOOD = {
    "APP_ENV": "production",
    "DATABASE_URL": "postgresql+psycopg://db/shanhuo",
    "SECRET_KEY": "k" * 43,
    "PUBLIC_URL": "https://shop.example.org",
    "STRIPE_KEY": "sk_live_1",
    "STRIPE_WEBHOOK_SECRET": "whsec_1",
    "SMTP_URL": "smtp://mail.example.org",
    "MAIL_FROM": "shop@example.org",
}


def faults(**changed: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        read_settings(GOOD | changed)
    return refused.value.faults


def test_production_starts_with_everything_given() -> None:
    settings = read_settings(GOOD)
    assert not settings.demo
    assert settings.secure_cookies
    assert settings.stripe_base is None


def test_everything_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({"APP_ENV": "production"})
    for name in GOOD.keys() - {"APP_ENV"}:
        assert f"{name} is missing" in refused.value.faults
        assert name in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", DEMO_SECRET),
        ("STRIPE_KEY", DEMO_STRIPE_KEY),
        ("STRIPE_WEBHOOK_SECRET", DEMO_WEBHOOK_SECRET),
        ("MAIL_FROM", "demo@demo.example"),
    ],
)
def test_production_refuses_the_demos_secrets(name: str, value: str) -> None:
    assert f"{name} still has the demo's value" in faults(**{name: value})


def test_production_wants_a_long_secret_and_https() -> None:
    assert faults(SECRET_KEY="short") == ["SECRET_KEY is shorter than 32 characters"]
    (fault,) = faults(PUBLIC_URL="http://shop.example.org")
    assert "https" in fault
    assert faults(PUBLIC_URL="shop") == ["PUBLIC_URL must be like https://shop.example.org"]


@pytest.mark.parametrize("port", ["0", "65536", "eighty", "-1"])
def test_a_port_is_a_number_that_tcp_knows(port: str) -> None:
    assert any("PORT" in fault for fault in faults(PORT=port))


def test_an_unknown_environment_is_refused() -> None:
    assert any("APP_ENV" in fault for fault in faults(APP_ENV="staging"))


def test_the_demo_needs_no_settings_and_keeps_all_under_one_folder(tmp_path: Path) -> None:
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    assert settings.demo
    assert str(tmp_path) in settings.database_url
    assert settings.files_dir.parent == tmp_path
    assert not settings.secure_cookies


def test_a_new_secret_is_long_and_never_the_same() -> None:
    assert len(new_secret()) >= 43
    assert new_secret() != new_secret()


def test_demo_data_is_recognised(session: Session) -> None:
    marks = demo_marks(session)
    assert any("demo organisations" in mark for mark in marks)
    assert any("demo outlets" in mark for mark in marks)


def test_rules_of_captured_events_are_switched_by_a_setting() -> None:
    assert read_settings({"EPCIS_RULES": "custody=off"}).epcis_rules.custody == "off"
    assert read_settings({}).epcis_rules.custody == "refuse"
    with pytest.raises(SettingsError, match="EPCIS_RULES"):
        read_settings({"EPCIS_RULES": "custody=perhaps"})
