"""Writes the software bill of materials: what a server runs, as CycloneDX. `make sbom` calls it."""

import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType, Pedigree
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from pushlog import __version__

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "static" / "vendor"
# As uv writes it: a package, the hashes of its files, and the packages that ask for it.
_LOCKED = re.compile(r"^([a-z0-9-]+)==(\S+)(.*(?:\n +.*)*)", re.MULTILINE)
_ASKED_BY = re.compile(r"# (?:via |  )([a-z0-9-]+)")
# As static/vendor/README.md says it.
_VENDORED = re.compile(r"^\| `(\w+)/` \| `(\S+)` \| (\S+) \| `(\S+)` \| (\S+) \|$", re.MULTILINE)


def bill() -> Bom:
    """The project, what requirements.txt locks for any platform, and the files of others in static/vendor/."""
    project = Component(
        name="pushlog",
        version=__version__,
        type=ComponentType.APPLICATION,
        licenses=[LicenseExpression("Apache-2.0")],
        purl=PackageURL("pypi", name="pushlog", version=__version__),
        bom_ref="pushlog",
    )
    found = Bom()
    found.metadata.component = project
    locked = _LOCKED.findall((ROOT / "requirements.txt").read_text())
    packages = {name: _package(name, version) for name, version, _ in locked}
    known = {"pushlog": project} | packages
    for name, _, rest in locked:
        found.components.add(packages[name])
        for other in _ASKED_BY.findall(rest):
            found.register_dependency(known[other], [packages[name]])
    for file in _vendored():
        found.components.add(file)
        found.register_dependency(project, [file])
    return found


def _package(name: str, version: str) -> Component:
    return Component(name=name, version=version, purl=PackageURL("pypi", name=name, version=version), bom_ref=name)


def _vendored() -> Iterator[Component]:
    for folder, package, version, path, licence in _VENDORED.findall((VENDOR / "README.md").read_text()):
        [file] = [one for one in (VENDOR / folder).iterdir() if one.name != "LICENSE"]
        group, _, name = package.rpartition("/")
        yield Component(
            name=name,
            group=group or None,
            version=version,
            purl=PackageURL("npm", namespace=group or None, name=name, version=version),
            licenses=[LicenseExpression(licence)],
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(file.read_bytes()).hexdigest())],
            pedigree=None if file.name == Path(path).name else Pedigree(notes=f"A part of {path}."),
            bom_ref=package,
        )


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(JsonV1Dot6(bill()).output_as_string(indent=2) + "\n")
    print(target)
