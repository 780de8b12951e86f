"""Django's admin. Importing the modules registers their models."""

from console.admin import apps, credentials, messages, people, tasks

__all__ = ["apps", "credentials", "messages", "people", "tasks"]
