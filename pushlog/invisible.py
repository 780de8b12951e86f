"""Invisible characters, which copying leaves at the ends of a text."""

from unicodedata import category

# Besides Unicode's format characters (Cf), such as zero-width spaces: joiners, fillers and variation selectors.
_OTHERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0").union(
    map(chr, [*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)])
)


def strip_invisible(text: str) -> str:
    start, end = 0, len(text)
    while start < end and _is_invisible(text[start]):
        start += 1
    while start < end and _is_invisible(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_invisible(character: str) -> bool:
    return character.isspace() or category(character) == "Cf" or character in _OTHERS


def without_invisible(text: str) -> str:
    """Without those inside, too. Blanks between words stay."""
    return "".join(one for one in text if one.isspace() or not _is_invisible(one))


def is_drawn(character: str) -> bool:
    """Whether people must be shown it: all but a plain blank."""
    return character != " " and _is_invisible(character)


def drawn_text(text: str) -> str:
    """For people, not to be copied: `u-a01[U+200B]`."""
    return "".join(f"[U+{ord(one):04X}]" if is_drawn(one) else one for one in text)
