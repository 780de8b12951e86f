"""Push IDs as part of an address. They are any text of up to 64 characters: slashes, dots and line ends too."""

import re
from string import ascii_letters, digits

# What may stand as it is. All other ASCII is written as ~ and two hexadecimal digits, and not as %2F and the like:
# servers and proxies decode those before the address is taken apart, merge slashes and walk up for dots. Beyond ASCII
# the usual percent encoding is safe.
_PLAIN = frozenset(f"{ascii_letters}{digits}-_.:@")
_ESCAPED = re.compile(r"~([0-9A-F]{2})")


class PushIDConverter:
    """A path converter: every push ID has an address of one part, and every such address leads to its push ID."""

    regex = "[^/]+"

    def to_url(self, push_id: str) -> str:
        """The push ID as it stands in an address, before the percent encoding of what is not ASCII."""
        if push_id in {".", ".."}:
            # Alone, they would be taken for the way up.
            return push_id.replace(".", "~2E")
        return "".join(one if one in _PLAIN or not one.isascii() else f"~{ord(one):02X}" for one in push_id)

    def to_python(self, part: str) -> str:
        """The push ID. Raises ValueError, which is a 404, for what `to_url` never makes: a bare ~, or a NUL."""
        push_id = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), part)
        if "~" in _ESCAPED.sub("", part) or "\0" in push_id:
            raise ValueError
        return push_id
