"""Pushlog's record as a Django app."""

from django.apps import AppConfig


class PushlogConfig(AppConfig):
    name = "pushlog"
    verbose_name = "Push log"
