import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushlog.json_objects import parse_object


@given(st.dictionaries(st.text(st.characters(exclude_characters="\0", codec="utf-8")), st.floats(allow_nan=False)))
def test_parse_object_gives_what_was_written(values: dict[str, float]) -> None:
    written = json.dumps(values).encode()

    if any(map(math.isinf, values.values())):
        with pytest.raises(ValueError, match="not JSON"):
            parse_object(written)
    else:
        assert parse_object(written) == values
