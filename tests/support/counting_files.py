"""Finds files that tests leave in the folder for temporary files and in the folders of launches; see counting.py."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from counting import Area, Kept

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process.supervisor import Supervisor

# Files that a launch leaves on purpose, in its folder and in that of the world.
OF_A_LAUNCH = {"log.txt", "outputs", "record.json", "work"}


@contextlib.contextmanager
def temporary() -> Iterator[Path]:
    """Yield a folder for the temporary files of this program and of all programs that it starts, Ansible included."""
    folder = tempfile.mkdtemp(prefix="sr-")  # paths of sockets begin with it, and they must be short
    places = {name: os.environ.get(name) for name in ("TMPDIR", "ANSIBLE_LOCAL_TEMP", "ANSIBLE_REMOTE_TMP")}
    before, tempfile.tempdir = tempfile.tempdir, folder
    os.environ.update(dict.fromkeys(places, folder))
    try:
        yield Path(folder)
    finally:
        tempfile.tempdir = before
        for name, value in places.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
        shutil.rmtree(folder, ignore_errors=True)


class TemporaryFiles(Area):
    """Everything in the folder for temporary files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def there(self, kept: Collection[Kept]) -> dict[str, str]:
        sockets = {Supervisor(world.state / "services").socket.parent for world in kept}
        expected = {*sockets, *_of_the_cluster_client()}
        found = [path for path in self._folder.iterdir() if path not in expected and not _is_of_a_library(path)]
        return {str(path): f"temporary {_shown(path)}" for path in found}


class LaunchFiles(Area):
    """Files in the folders of worlds that should not stay: bundles, lock files and unfinished files."""

    def there(self, kept: Collection[Kept]) -> dict[str, str]:
        found = [path for world in kept for path in world.state.glob("runs/*/*") if path.name not in OF_A_LAUNCH]
        found += [path for world in kept for path in world.state.glob("runs/*") if not path.is_dir()]
        found += [path for world in kept for path in world.state.glob(".*")]
        return {str(path): f"file {path}" for path in found}


def _of_the_cluster_client() -> set[Path]:
    """Return the files that the client library keeps for this program itself until it ends."""
    library = sys.modules.get("kubernetes.config.kube_config")
    return {Path(path) for path in getattr(library, "_temp_files", {}).values()}


def _is_of_a_library(path: Path) -> bool:
    """Whether a library leaves this file by design: once for each user, or when a signal ends the program.

    That is the empty folder of a program that imported Ansible or torch, and the API cache of kubernetes.core.
    """
    with contextlib.suppress(FileNotFoundError):
        if path.name.startswith(("ansible-local-", "torchinductor_")):
            return not any(path.iterdir())
        return path.name.startswith("k8srcp-")
    return True  # it was removed meanwhile


def _shown(path: Path) -> str:
    """Name a folder together with its content, as the folder's own name is random."""
    with contextlib.suppress(NotADirectoryError, FileNotFoundError, PermissionError):
        return f"folder {path} ({', '.join(sorted(found.name for found in path.iterdir())[:5])})"
    return f"file {path}"
