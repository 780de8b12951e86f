"""The WSGI application. Somebody waits for its answers, so every query has a time limit."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from console.server.safety import guarded
from pushlog.maintenance import database
from pushlog.postgres import sessions

database.start()
application = guarded(get_wsgi_application())
database.keep_running()
# Commands have no time limit.
sessions.use(statement_timeout=f"{settings.STATEMENT_TIMEOUT}s", write_timeout=f"{settings.WRITE_TIMEOUT}s")
