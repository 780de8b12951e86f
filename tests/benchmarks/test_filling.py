from pathlib import Path

import pytest

from pushlog.models import App
from tests import factories
from tests.benchmarks import filling


def test_a_log_that_was_not_loaded_to_its_end_is_not_measured(app: App, tmp_path: Path) -> None:
    factories.create_message(app)

    with pytest.raises(SystemExit, match="delete that folder"):
        filling.ensure(tmp_path, 400_000)
