"""The accounts room."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Accounts and sites."""

    name = "penstock.accounts"
    label = "accounts"
