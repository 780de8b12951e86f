"""Ends the wait after wrong passwords or secrets. See `pushlog.throttle`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from pushlog import throttle
from pushlog.http.addresses import as_counted


class Command(BaseCommand):
    help = "Forgets the wrong passwords and secrets of an account, an access ID or an address."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("who", metavar="NAME_OR_ADDRESS")

    def handle(self, *, who: str, **options: Any) -> None:
        names = [throttle.of_person(who), throttle.of_second_factor(who), throttle.of_program(who)]
        if address := as_counted(who):
            names.append(address)
        if throttle.unlock(*names):
            self.stdout.write("Unlocked.")
        else:
            self.stdout.write("There were no wrong passwords or secrets within the last hour.")
