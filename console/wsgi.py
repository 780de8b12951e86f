"""The web server's way in. What runs here answers people, so every query has a time limit."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connections

from pushlog.maintenance import database

database.start()
application = get_wsgi_application()
database.keep_running()

# Given when a connection is made, so that it costs no query. Commands import no wsgi.py, and have no limit.
options = connections.settings["default"]["OPTIONS"]
options["options"] = f"{options.get('options', '')} -c statement_timeout={settings.STATEMENT_TIMEOUT}s".strip()
