"""Browsers in which somebody is logged in."""

from django.contrib.auth.models import User
from django.test import Client


def browser_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client
