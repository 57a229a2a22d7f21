"""Django's settings, made from the one Config. The home is set once per process, before Django starts."""

from __future__ import annotations

import sqlite3
from typing import Any
from urllib.parse import urlsplit

from penstock import config
from penstock.secret import secret_key

PENSTOCK = config.current()

SAFE_WAL = (
    3,
    51,
    3,
)  # older SQLite can corrupt a WAL database when two connections write or checkpoint at once
WAL = sqlite3.sqlite_version_info >= SAFE_WAL
JOURNAL = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"
    if WAL
    else "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA"
)

SECRET_KEY = secret_key(PENSTOCK.home)
DEBUG = False
PUBLIC = urlsplit(PENSTOCK.public_url)
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", *filter(None, [PUBLIC.hostname])]
CSRF_TRUSTED_ORIGINS = [f"{PUBLIC.scheme}://{PUBLIC.netloc}"] if PUBLIC.netloc else []
SECURE_HSTS_SECONDS = 31_536_000 if PUBLIC.scheme == "https" else 0
ROOT_URLCONF = "penstock.urls"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
INSTALLED_APPS = [
    "django.contrib.staticfiles",
    "django_htmx",
    "penstock.accounts",
    "penstock.ledger",
    "penstock.records",
    "penstock.review",
    "penstock.publish",
    "penstock.pipelines.photos",
    "penstock.pipelines.content",
    "penstock.console",
]
MIDDLEWARE = [
    "penstock.console.headers.Headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "penstock.api.problems.Shape",
    "penstock.console.signin.RequireSignIn",
    "django.middleware.csrf.CsrfViewMiddleware",
    "penstock.console.problems.Boundary",
]
WHITENOISE_USE_FINDERS = True
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(PENSTOCK.database),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": f"{JOURNAL}; PRAGMA foreign_keys=ON",
        },
    }
}
LOGGING_CONFIG = None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_COOKIE_NAME = "penstock_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_FAILURE_VIEW = "penstock.console.problems.csrf"
