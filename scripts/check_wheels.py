#!/usr/bin/env python3
"""Check that every dependency, and all they need in turn, installs from wheels on Apple silicon.

    python scripts/check_wheels.py            core and all extras, for each Python that we support
    python scripts/check_wheels.py 3.13       for one of them

pip resolves for a Mac from any machine; nothing is installed. One line per Python, then one JSON line.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MAC = {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64", "os_name": "posix"}
PLATFORMS = ["macosx_11_0_universal2", "macosx_10_9_universal2"]
PLATFORMS += [f"macosx_{major}_0_arm64" for major in (15, 14, 13, 12, 11)]
DEVELOPERS_ONLY = {"dev"}


def requirements(python: str) -> list[str]:
    """The project's own requirements, extras included, as they read on a Mac."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    extras = project.get("optional-dependencies", {})
    lines = list(project["dependencies"])
    for extra, more in extras.items():
        lines += more if extra not in DEVELOPERS_ONLY else []
    wanted = []
    for line in lines:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({**MAC, "python_version": python}):
            requirement.marker = None
            wanted.append(str(requirement))
    return wanted


def resolve(python: str) -> tuple[list[str], str]:
    """Names and versions of all wheels that would be installed, or pip's reason why not."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--dry-run"]
    command += ["--ignore-installed", "--only-binary=:all:", "--report", "-", "--target", "unused"]
    command += ["--implementation", "cp", "--python-version", python]
    for platform in PLATFORMS:
        command += ["--platform", platform]
    done = subprocess.run([*command, *requirements(python)], capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        return [], lines[-1] if lines else done.stderr.strip()
    report: dict[str, Any] = json.loads(done.stdout)
    return [f"{i['metadata']['name']} {i['metadata']['version']}" for i in report["install"]], ""


def main() -> int:
    failed = {}
    for python in sys.argv[1:] or PYTHONS:
        wheels, reason = resolve(python)
        print(f"Python {python}: {len(wheels)} wheels" if wheels else f"Python {python}: {reason}")
        if not wheels:
            failed[python] = reason
    print(json.dumps({"ok": not failed, "failed": failed}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
