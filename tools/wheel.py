"""Collects static files for the wheel. Hatchling calls this."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CollectedStaticFiles(BuildHookInterface[Any]):
    """Puts those of this version into the package. The folder may hold others of earlier versions."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        root = Path(self.root)
        subprocess.run([sys.executable, "manage.py", "collectstatic", "--verbosity", "0"], cwd=root, check=True)
        folder = root / "staticfiles"
        manifest = folder / "staticfiles.json"
        names = json.loads(manifest.read_text())["paths"].values()
        found = [folder / f"{name}{suffix}" for name in names for suffix in ("", ".br", ".gz")]
        for path in (manifest, *filter(Path.exists, found)):
            build_data["force_include"][str(path)] = f"console/{path.relative_to(root)}"
