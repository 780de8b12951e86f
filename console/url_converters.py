"""Push IDs in addresses."""

import re
from string import ascii_letters, digits

# Other ASCII becomes ~ and two hexadecimal digits. Proxies decode %2F, merge slashes and resolve dots.
_PLAIN = frozenset(f"{ascii_letters}{digits}-_.:@")
_ESCAPED = re.compile(r"~([0-9A-F]{2})")


class PushIDConverter:
    regex = "[^/]+"

    def to_url(self, push_id: str) -> str:
        if push_id in {".", ".."}:
            return push_id.replace(".", "~2E")
        return "".join(one if one in _PLAIN or not one.isascii() else f"~{ord(one):02X}" for one in push_id)

    def to_python(self, part: str) -> str:
        """Raises ValueError (a 404) for what `to_url` never makes."""
        push_id = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), part)
        if "~" in _ESCAPED.sub("", part) or "\0" in push_id:
            raise ValueError
        return push_id
