"""For a WSGI server: settings, database, application, and the worker when it lives here."""

import os

from app import create_app
from app.logs import init_logs
from app.settings import read_settings
from app.work import start_inline
from foundation.db import open_database

init_logs(quiet=os.environ.get("LOG_LEVEL") == "warning")
settings = read_settings()
database = open_database(settings.database_url)
application = create_app(settings, database)
if os.environ.get("WORKER", "inline") == "inline":
    start_inline(database, settings)
