"""Settings: read once from the environment, frozen, and complete or not at all."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from traceability.epcis.rules import Policy

DEMO_SECRET = "demo-secret-not-for-production"  # noqa: S105 -- production refuses to start with it
DEMO_STRIPE_KEY = "sk_test_demo"
DEMO_WEBHOOK_SECRET = "whsec_demo"  # noqa: S105 -- likewise


class SettingsError(SystemExit):
    """What is missing or may not be; the message lists every fault at once."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("The settings are not usable:\n" + "\n".join(f"  - {f}" for f in faults))


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs between installations."""

    environment: str
    """`demo`, `test` or `production`."""
    data_dir: Path
    """Where the database, files and logs are kept."""
    database_url: str
    secret_key: str
    public_url: str
    """Scheme and host under which the public reaches this installation; printed into QR codes."""
    port: int
    secure_cookies: bool
    stripe_key: str
    stripe_webhook_secret: str
    stripe_base: str | None
    """Base address of the payment provider; None is the provider's own."""
    smtp_url: str | None
    mail_from: str
    rate_limits: bool
    trusted_proxies: int
    area_header: str = ""
    """Name of the header in which the front server says a visitor's county; empty: none does."""
    log_key: str = field(default="", repr=False)
    """The transparency log's private key as text; empty: it lies in `log_keys_dir`."""
    epcis_rules: Policy = field(default_factory=Policy)
    """What a breach of each of the ledger's rules by a captured event is answered with."""

    @property
    def demo(self) -> bool:
        """Tell whether demo marks, demo sign-ins and the message page are shown."""
        return self.environment != "production"

    @property
    def files_dir(self) -> Path:
        """Where uploaded and generated files are kept."""
        return self.data_dir / "files"

    @property
    def log_keys_dir(self) -> Path:
        """Where the transparency log's private keys are kept, readable for this user only."""
        return self.data_dir / "log-keys"

    @property
    def public_host(self) -> str:
        """Give the host, and the port if any, under which the public reaches this installation."""
        return urlsplit(self.public_url).netloc


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read every setting; raise SettingsError naming everything that is missing or wrong."""
    env = os.environ if environ is None else environ
    faults: list[str] = []
    environment = env.get("APP_ENV", "demo")
    if environment not in {"demo", "test", "production"}:
        faults.append(f"APP_ENV is {environment!r}; it must be demo, test or production")
    production = environment == "production"

    def need(name: str, demo_value: str) -> str:
        value = env.get(name, "")
        if production and not value:
            faults.append(f"{name} is missing")
        if production and value and value == demo_value:
            faults.append(f"{name} still has the demo's value")
        return value or demo_value

    data_dir = Path(env.get("DATA_DIR") or "var").resolve()
    port = _port(env.get("PORT") or "8000", faults)
    secret = need("SECRET_KEY", DEMO_SECRET)
    if production and len(secret) < 32:  # noqa: PLR2004 -- 256 bits as hex is 64, as base64 43
        faults.append("SECRET_KEY is shorter than 32 characters")
    public_url = need("PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip("/")
    if urlsplit(public_url).scheme not in {"http", "https"} or not urlsplit(public_url).netloc:
        faults.append("PUBLIC_URL must be like https://shop.example.org")
    elif production and not public_url.startswith("https://"):
        faults.append("PUBLIC_URL must begin with https:// in production")
    settings = Settings(
        environment=environment,
        data_dir=data_dir,
        database_url=need("DATABASE_URL", f"sqlite:///{data_dir / 'shanhuo.db'}"),
        secret_key=secret,
        public_url=public_url,
        port=port,
        secure_cookies=public_url.startswith("https://"),
        stripe_key=need("STRIPE_KEY", DEMO_STRIPE_KEY),
        stripe_webhook_secret=need("STRIPE_WEBHOOK_SECRET", DEMO_WEBHOOK_SECRET),
        stripe_base=env.get("STRIPE_BASE") or None,
        smtp_url=need("SMTP_URL", "") or None,
        mail_from=need("MAIL_FROM", "demo@demo.example"),
        rate_limits=env.get("RATE_LIMITS", "on") != "off",
        trusted_proxies=int(env.get("TRUSTED_PROXIES", "0")),
        area_header=env.get("SCAN_AREA_HEADER", ""),
        log_key=env.get("LOG_KEY", ""),
        epcis_rules=_rules(env.get("EPCIS_RULES", ""), faults),
    )
    if faults:
        raise SettingsError(faults)
    return settings


def _rules(text: str, faults: list[str]) -> Policy:
    try:
        return Policy.read(text)
    except ValueError as fault:
        faults.append(f"EPCIS_RULES must be like custody=warn,owner=off: {fault}")
        return Policy()


def _port(text: str, faults: list[str]) -> int:
    if text.isdecimal() and 0 < int(text) < 65536:  # noqa: PLR2004 -- TCP
        return int(text)
    faults.append(f"PORT is {text!r}; it must be a number between 1 and 65535")
    return 8000


def new_secret() -> str:
    """Make a secret fit for SECRET_KEY."""
    return secrets.token_urlsafe(48)
