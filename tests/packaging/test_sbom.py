import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from pushlog import __version__

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "static" / "vendor"


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """As `make sbom` writes it."""
    target = tmp_path_factory.mktemp("dist") / "sbom.json"
    subprocess.run([sys.executable, "-m", "tests.packaging.sbom", str(target)], cwd=ROOT, check=True)
    return json.loads(target.read_text())


def names(bill: Any) -> set[str]:
    return {component["purl"] for component in bill["components"]}


def test_bill_is_cyclonedx_of_this_version(bill: Any) -> None:
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["purl"] == f"pkg:pypi/pushlog@{__version__}"


def test_bill_has_every_locked_package_in_the_version_that_is_installed(bill: Any) -> None:
    lines = [line.rstrip(" \\") for line in (ROOT / "requirements.txt").read_text().splitlines()]
    locked = [Requirement(line) for line in lines if re.match(r"\w", line)]
    used = [one.name for one in locked if one.marker is None or one.marker.evaluate()]

    assert len(used) > 20
    assert names(bill) >= {f"pkg:pypi/{name}@{version(name)}" for name in used}


def test_bill_has_the_files_of_others_in_their_own_version(bill: Any) -> None:
    [htmx] = re.findall(r'version:"([\d.]+)"', (VENDOR / "htmx" / "htmx.min.js").read_text())
    [tabler] = re.findall(r"Tabler v([\d.]+)", (VENDOR / "tabler" / "tabler.used.css").read_text())

    # One that is added needs a line here and in static/vendor/README.md.
    assert {path.name for path in VENDOR.iterdir() if path.is_dir()} == {"htmx", "tabler"}
    assert {name for name in names(bill) if name.startswith("pkg:npm/")} == {
        f"pkg:npm/htmx.org@{htmx}",
        f"pkg:npm/%40tabler/core@{tabler}",
    }


def test_pushlog_needs_all_that_is_in_the_bill(bill: Any) -> None:
    needed = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    reached, waiting = set[str](), ["pushlog"]
    while waiting:
        waiting += set(needed[one := waiting.pop()]) - reached
        reached.add(one)

    assert reached == {"pushlog", *(component["bom-ref"] for component in bill["components"])}
