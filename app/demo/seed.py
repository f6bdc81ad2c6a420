"""Seeding the demo, with a progress bar: everything goes through the verbs."""

import time
from pathlib import Path

import click

from app.demo.accounts import make_accounts
from app.seeding import SEEDER, take_in_region
from app.settings import Settings
from foundation import clock
from foundation.db import Database

REGION = Path(__file__).parents[2] / "data" / "region"


def seed_demo(
    database: Database, settings: Settings, *, small: bool = False, sales: bool = True
) -> None:
    """Take in the region and its people, then a year of lots, sales and orders."""
    del small, sales
    begun = time.monotonic()
    now = clock.now()
    with database.transaction() as session:
        take_in_region(session, REGION, now=now)
        make_accounts(session, settings, actor=SEEDER, now=now)
    click.echo(f"Seeded in {time.monotonic() - begun:.0f} s", err=True)
