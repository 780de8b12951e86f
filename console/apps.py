"""Tells Django of the admin's own site."""

from django.contrib.admin import apps


class AdminConfig(apps.AdminConfig):
    default = False  # for "console"; settings.py names it
    default_site = "console.admin_site.ConsoleAdminSite"
