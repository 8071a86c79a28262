# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Installs the first packages of a new venv: Python's bundled pip and, before Python 3.12, setuptools.

`python -m venv` spends most of its time on this: it lets pip install and compile them. uv links the same files.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.samerun.stack.plugins.plugin_utils.environments import installer


def brought_along() -> Path | None:
    """Return the folder of the wheels that ensurepip installs; None if this Python has none."""
    try:
        import ensurepip
    except ImportError:
        return None
    # Some Linux distributions move the wheels to another folder, see https://docs.python.org/3/library/ensurepip.html.
    folders = (sysconfig.get_config_var("WHEEL_PKG_DIR"), Path(ensurepip.__file__).parent / "_bundled")
    return next((Path(folder) for folder in folders if folder and any(Path(folder).glob("pip-*.whl"))), None)


def plant(python: str, environ: Mapping[str, str], uv: str) -> bool:
    """Install the bundled wheels into the environment of `python`, made without pip; return whether that succeeded."""
    folder = brought_along()
    if not uv or folder is None:
        return False
    names = ["pip"] if sys.version_info >= (3, 12) else ["pip", "setuptools"]
    # Remove the user's settings of uv, except for its cache: they are meant for other packages.
    environment = {name: value for name, value in environ.items() if not name.startswith("UV_") or "CACHE" in name}
    planted = subprocess.run(
        [uv, "pip", "install", "--quiet", "--no-config", "--no-index", "--find-links", str(folder), "--python", python,
         *names],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return planted.returncode == 0


def main() -> None:
    """Fetch uv with pip into the environment that runs this file, then install pip there.

    If uv cannot be fetched, the next installation reports it.
    """
    python, wheels = sys.executable, brought_along()
    if wheels is None:
        _ensure(python)
        pip = [python, "-m", "pip"]
    else:
        pip = [python, str(next(wheels.glob("pip-*.whl")) / "pip")]
    fetch = [*pip, "install", "--quiet", "--disable-pip-version-check", installer.REQUIREMENT]
    subprocess.run(fetch, stdin=subprocess.DEVNULL, check=False)
    if wheels is not None and not plant(python, os.environ, installer.own_uv()):
        _ensure(python)


def _ensure(python: str) -> None:
    subprocess.run([python, "-m", "ensurepip", "--upgrade", "--default-pip"], stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    main()
