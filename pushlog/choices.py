"""Choices that are stored as numbers and named by words."""

from typing import Self

from django.db import models


class WordChoices(models.IntegerChoices):
    """`label` is for people; `word` is for JSON, URLs and files."""

    @property
    def word(self) -> str:
        return self.name.lower()

    @classmethod
    def by_word(cls) -> dict[str, Self]:
        return {member.word: member for member in cls}
