"""The same application for granian's ASGI interface, which keeps paths as they were sent."""

import os

from app.bridge import Bridge
from wsgi import application

bridge = Bridge(application, threads=int(os.environ.get("WEB_THREADS", "4")))
