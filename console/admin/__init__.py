"""Django's admin. Importing the modules registers their models."""

from console.admin import apps, credentials, messages, tasks

__all__ = ["apps", "credentials", "messages", "tasks"]
