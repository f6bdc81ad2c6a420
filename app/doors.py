"""Which doors this house has, and where each begins."""

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from app.settings import Settings


def init_doors(app: Flask, settings: Settings, csrf: CSRFProtect) -> None:
    """Hang every door's pages into `app`."""
