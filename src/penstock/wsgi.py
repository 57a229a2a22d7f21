"""The pages as a WSGI application. The home is chosen, and its database made, before this is imported."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "penstock.settings")

application = get_wsgi_application()
