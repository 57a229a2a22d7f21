"""The accounts room."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Accounts and sites."""

    name = "penstock.accounts"
    label = "accounts"
