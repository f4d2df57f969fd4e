"""A wheel carries the shipped voices, which stand at the repository's top, in the package's assets."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithVoices(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            assets = Path(self.build_lib, "mlx_voice", "assets")
            assets.mkdir(parents=True, exist_ok=True)
            shutil.copy2("voices.json", assets)
            shutil.copytree("voices", assets / "voices", dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithVoices})
