"""Caches Ansible's table of its plugins, a YAML file that Ansible would read again in each command.

Reading the table takes longer than reading all files of an inventory. Ansible lets its reader be replaced
(`_collection_meta._meta_yml_to_dict`). The cache is a JSON file, named after the hash of the table's text.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from ansible_collections.samerun.stack.plugins.module_utils import files

Read = Callable[[bytes | str, Any], Any]
_WORTH = 100_000  # bytes; a smaller table is read as fast without a cache


def remember() -> None:
    """Make Ansible, in this process, read large tables through the cache."""
    finder: Any = importlib.import_module("ansible.utils.collection_loader._collection_finder")
    if not isinstance(finder._meta_yml_to_dict, Remembering):
        finder._meta_yml_to_dict = Remembering(finder._meta_yml_to_dict, user_cache_path("samerun") / "ansible")


class Remembering:
    """Reads a table by `read`; a large table is then kept in `folder`, and read from there the next time."""

    def __init__(self, read: Read, folder: Path) -> None:
        self._read = read
        self._folder = folder

    def __call__(self, text: bytes | str, content_id: Any) -> Any:
        if len(text) < _WORTH:
            return self._read(text, content_id)
        data = text.encode() if isinstance(text, str) else text
        path = self._folder / f"{hashlib.sha256(data).hexdigest()}.json"
        with contextlib.suppress(OSError, ValueError):
            return json.loads(path.read_bytes())
        found = self._read(text, content_id)
        with contextlib.suppress(OSError):
            files.write_private(path, json.dumps(found))
        return found
