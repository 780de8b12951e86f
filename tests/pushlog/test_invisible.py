import pytest

from pushlog.invisible import strip_invisible

INVISIBLE = [
    " ",
    "\t",
    "\r\n",
    "\x1f",
    "\xa0",
    "\u3000",
    "\xad",  # soft hyphen
    "\u034f",  # combining grapheme joiner
    "\u061c",  # Arabic letter mark
    "\u180e",
    "\u200b",  # zero-width space
    "\u200d",  # zero-width joiner
    "\u200e",
    "\u200f",
    "\u202a",
    "\u202e",
    "\u2060",  # word joiner
    "\u2066",
    "\u2069",
    "\u3164",  # Hangul filler
    "\ufe0f",  # variation selector 16
    "\ufeff",  # byte order mark
    "\U000e0020",  # tag space
    "\U000e0100",  # variation selector 17
]


@pytest.mark.parametrize("character", INVISIBLE, ids=ascii)
def test_it_is_stripped_at_the_ends_and_nowhere_else(character: str) -> None:
    assert strip_invisible(f"{character}a{character}b{character} {character}") == f"a{character}b"
    assert strip_invisible(character * 3) == ""


@pytest.mark.parametrize("text", ["", "17", "推", "-", "e\u0301", "\0", "\x7f", "😀", "\ud800"], ids=ascii)
def test_what_may_be_seen_stays(text: str) -> None:
    assert strip_invisible(text) == text
