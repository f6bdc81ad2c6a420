"""The one command line: run, serve, migrate, seed, accounts, work, backup, restore, docs."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event

import click
from sqlalchemy import select

from app.auditing import COMMANDS
from app.backup import back_up
from app.backup import restore as put_back
from app.demo.accounts import demo_accounts
from app.demo.seed import seed_demo
from app.migrate import upgrade
from app.seeding import take_in_region
from app.settings import Settings, read_settings
from foundation import clock
from foundation.db import Database, open_database
from parties.network.models import Region
from parties.people.permissions import SYSTEM, Grant, Role
from parties.people.services.accounts import create_account

HOUSE = Path(__file__).parents[1]


@click.group()
def main() -> None:
    """Run and look after one installation."""


for command in COMMANDS:
    main.add_command(command)


def _open(settings: Settings) -> Database:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return open_database(settings.database_url)


def _is_empty(database: Database) -> bool:
    with database.reading() as session:
        return session.scalar(select(Region.code).limit(1)) is None


@main.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    settings = read_settings()
    upgrade(_open(settings))
    click.echo("The database has the newest schema.")


@main.command()
@click.option("--demo/--no-demo", default=True, help="With people, and a year of sales and orders.")
@click.option("--small", is_flag=True, help="A hundredth of the demo's sales, for a quick look.")
@click.option(
    "--region",
    default=HOUSE / "data" / "region",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder that describes the region.",
)
def seed(*, demo: bool, small: bool, region: Path) -> None:
    """Take in a region's data, and the demo, into an empty database."""
    settings = read_settings()
    database = _open(settings)
    upgrade(database)
    if not _is_empty(database):
        click.echo("There is already a region here; nothing was changed.")
        return
    if demo and not settings.demo:
        raise click.ClickException("A production installation takes in no demo")
    if demo:
        seed_demo(database, settings, small=small)
        return
    with database.transaction() as session:
        take_in_region(session, region, now=clock.now())
    click.echo(f"Took in the region of {region}.")


@main.command()
@click.option("--email", prompt=True)
@click.option("--name", prompt=True)
@click.password_option()
def operator(email: str, name: str, password: str) -> None:
    """Open the first operator's account; operators then give all other roles."""
    database = _open(read_settings())
    with database.transaction() as session:
        create_account(
            session,
            display_name=name,
            email=email,
            password=password,
            grants=(Grant(Role.OPERATOR),),
            actor=SYSTEM,
            now=clock.now(),
        )
    click.echo(f"{email} may sign in as operator.")


@main.command()
def accounts() -> None:
    """Print the demo's sign-ins and tokens as JSON."""
    settings = read_settings()
    if not settings.demo:
        raise click.ClickException("A production installation has no demo accounts")
    click.echo(json.dumps(demo_accounts(settings), ensure_ascii=False, indent=2))


@main.command()
@click.option("--threads", default=4, help="Blocking threads of the web server.")
@click.option("--workers", default=1, help="Processes of the web server.")
@click.option("--host", default="127.0.0.1")
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Certificate; TLS without proxy.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="The certificate's private key.")
def serve(
    threads: int, workers: int, host: str, tls_cert: Path | None, tls_key: Path | None
) -> None:
    """Serve the pages; nothing else is started."""
    settings = read_settings()
    _refuse_demo_data(settings)
    if (tls_cert is None) != (tls_key is None):
        raise click.ClickException("--tls-cert and --tls-key belong together")
    tls = (tls_cert, tls_key) if tls_cert and tls_key else None
    _serve(settings, host=host, threads=threads, workers=workers, tls=tls)


def _refuse_demo_data(settings: Settings) -> None:
    """Refuse to start production on a database with demo data or accounts in it."""
    if settings.demo:
        return
    from app.demo.marks import demo_marks

    database = _open(settings)
    with database.reading() as session:
        marks = demo_marks(session)
    database.dispose()
    if marks:
        raise click.ClickException(f"This database holds demo data: {', '.join(marks)}")


def _serve(
    settings: Settings,
    *,
    host: str,
    threads: int,
    workers: int,
    tls: tuple[Path, Path] | None = None,
) -> None:
    from granian import Granian
    from granian.constants import Interfaces

    os.environ["WEB_THREADS"] = str(threads)
    server = Granian(
        "asgi:bridge",
        address=host,
        port=settings.port,
        interface=Interfaces.ASGINL,
        workers=workers,
        log_enabled=False,
        working_dir=HOUSE,
        ssl_cert=tls[0] if tls else None,
        ssl_key=tls[1] if tls else None,
    )
    server.serve()


@main.command()
def work() -> None:
    """Run one worker until interrupted; for installations whose web servers run none."""
    from app.logs import init_logs
    from app.work import Worker

    init_logs()
    settings = read_settings()
    stopping = Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopping.set())
    Worker(_open(settings), settings).run(stopping)


@main.command()
@click.argument("target", type=click.Path(path_type=Path))
def backup(target: Path) -> None:
    """Write database and files to one archive, while the installation runs."""
    click.echo(f"Backed up to {back_up(read_settings(), target)}")


@main.command()
@click.argument("source", type=click.Path(path_type=Path))
def restore(source: Path) -> None:
    """Put a backup in place; what was there is kept beside it."""
    put_back(read_settings(), source)
    click.echo("Restored. What was there before is kept beside it as *.before-restore.")


@main.command()
def docs() -> None:
    """Write the generated pages of docs/generated."""
    from app.docs import write_docs

    for path in write_docs(HOUSE / "docs" / "generated"):
        click.echo(path.relative_to(HOUSE))


@main.command()
def run() -> None:
    """Set up, seed when empty, start payments' double, and serve: what `make run` calls."""
    settings = read_settings()
    if not settings.demo:
        raise click.ClickException("`run` is for the demo; production uses `serve` and `work`")
    database = _open(settings)
    upgrade(database)
    if _is_empty(database):
        seed_demo(database, settings)
    database.dispose()
    _free(settings.port)
    with _stripe_double(settings) as base:
        os.environ["STRIPE_BASE"] = base
        os.environ.setdefault("LOG_LEVEL", "warning")
        _say_hello(replace(settings, stripe_base=base))
        _serve(settings, host="127.0.0.1", threads=4, workers=1)
    click.echo("Stopped. Everything is kept; `make run` continues from here.")


def _free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise click.ClickException(
                f"Port {port} is in use; choose another, such as PORT=8080 make run"
            ) from error


def _next_free(port: int) -> int:
    for candidate in range(port + 1, port + 50):
        with suppress(click.ClickException):
            _free(candidate)
            return candidate
    raise click.ClickException("No free port near the asked one")


@contextmanager
def _stripe_double(settings: Settings) -> Iterator[str]:
    port = _next_free(settings.port)
    base = f"http://127.0.0.1:{port}"
    command = [
        sys.executable,
        "-m",
        "doubles.stripe",
        "--port",
        str(port),
        "--data",
        str(settings.data_dir / "stripe-double.db"),
        "--webhook-url",
        f"http://127.0.0.1:{settings.port}/payments/stripe",
        "--webhook-secret",
        settings.stripe_webhook_secret,
        "--secret-key",
        settings.stripe_key,
        "--with-parent",
    ]
    double = subprocess.Popen(command, cwd=HOUSE)  # noqa: S603 -- our own module
    try:
        _wait_for(f"{base}/healthz")
        yield base
    finally:
        double.terminate()
        double.wait(timeout=10)


def _wait_for(url: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(OSError), urllib.request.urlopen(url, timeout=1):  # noqa: S310 -- loopback
            return
        time.sleep(0.1)
    raise click.ClickException(f"{url} did not answer")


def _say_hello(settings: Settings) -> None:
    here = f"http://127.0.0.1:{settings.port}"
    known = demo_accounts(settings)
    click.echo(f"\n  晋城山货 · Jincheng Mountain Goods    {here}")
    for name, path in (
        ("Storefront 商城", "/"),
        ("Cooperative 合作社", "/coop/"),
        ("Till 柜台", "/till/"),
        ("Officials 工作台", "/office/"),
        ("Mails and codes 演示信箱", "/demo/messages"),
    ):
        click.echo(f"    {name:<24}{here}{path}")
    click.echo(f"    {'Payments (no money moves)':<24}{settings.stripe_base}\n")
    click.echo("  Sign in as:")
    for account in known["accounts"]:
        click.echo(f"    {account['role']:<16}{account['email']:<26}{account['password']}")
    click.echo("\n  Ctrl-C stops; nothing is lost.\n")
