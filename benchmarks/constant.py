"""Bare Flask: the same templates as the real pages, rendered from what the views found once.

Served by granian as the real application is, by `app.bridge`, in a process of its own. At start-up
it asks the real application once for each page named in CONSTANT_PAGES (parted by blanks), and
keeps which template was rendered with which values. From then on there is no database, no session,
no guard, no hook before or after a request: only Flask's routing, Jinja, and the functions that
templates call.
"""

import os
from typing import Any

from flask import Flask, render_template, request, template_rendered
from flask_babel import Babel
from jinja2 import Template

from app import create_app, language
from app.bridge import Bridge
from app.settings import read_settings
from benchmarks.serving import ACCEPT
from foundation.db import open_database

PER_REQUEST = ("g", "request", "session", "config")
"""What Flask itself puts into every template: it stays Flask's."""


def captured(real: Flask, addresses: list[str]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Ask for each page once; give template and values by address."""
    seen: list[tuple[str, dict[str, Any]]] = []

    def note(_app: Flask, template: Template, context: dict[str, Any], **_: object) -> None:
        values = {name: value for name, value in context.items() if name not in PER_REQUEST}
        seen.append((template.name or "", values))

    pages = {}
    with template_rendered.connected_to(note, real):
        for address in addresses:
            answer = real.test_client().get(address, headers={"Accept": ACCEPT})
            if answer.status_code != 200:  # noqa: PLR2004
                raise RuntimeError(f"{address} answers {answer.status}")
            pages[address] = seen[-1]
    return pages


def bare(real: Flask, pages: dict[str, tuple[str, dict[str, Any]]]) -> Flask:
    """Build an application that renders nothing but these pages."""
    flask = Flask("bare", template_folder=real.template_folder, static_folder=real.static_folder)
    flask.config.update(
        {key: value for key, value in real.config.items() if key.startswith("BABEL_")}
    )
    Babel(flask, locale_selector=language)
    flask.jinja_env.trim_blocks = flask.jinja_env.lstrip_blocks = True
    flask.jinja_env.filters.update(real.jinja_env.filters)
    for name, value in real.jinja_env.globals.items():
        flask.jinja_env.globals.setdefault(name, value)
    flask.jinja_env.globals["csrf_token"] = lambda: "x" * 91
    flask.url_map = real.url_map

    def page(**_path: str) -> str:
        template, values = pages[request.path]
        return render_template(template, **values)

    for endpoint in real.view_functions:
        flask.view_functions[endpoint] = page
    return flask


def build() -> Flask:
    """Build it from the environment."""
    settings = read_settings()
    database = open_database(settings.database_url)
    real = create_app(settings, database)
    flask = bare(real, captured(real, os.environ["CONSTANT_PAGES"].split()))
    database.dispose()
    return flask


def __getattr__(name: str) -> Bridge:
    """Build the application when the server asks for it, not when a test imports this."""
    if name != "bridge":
        raise AttributeError(name)
    return Bridge(build(), threads=int(os.environ["WEB_THREADS"]))
