"""For a WSGI server: settings, database, application."""

from app import create_app
from app.logs import init_logs
from app.settings import read_settings
from foundation.db import open_database

init_logs()
settings = read_settings()
application = create_app(settings, open_database(settings.database_url))
