"""The installer is one file, which an image's build runs where nothing of ours is."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

from ansible_collections.samerun.stack.plugins.plugin_utils.environments import installer_archive


def test_the_archive_runs_by_itself_and_is_the_same_for_the_same_sources(tmp_path: Path) -> None:
    archive = tmp_path / installer_archive.NAME
    archive.write_bytes(installer_archive.data())
    assert all(entry.date_time[0] == 1980 for entry in zipfile.ZipFile(BytesIO(archive.read_bytes())).infolist())
    # What it is asked for is there already, so that no index is asked.
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null"}
    ended = subprocess.run(
        [sys.executable, str(archive), "pytest"], env=environ, stdout=subprocess.PIPE, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout
