# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Trainer images keyed by the hash of what is in them, built once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import images as engine_images
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import installer, installer_archive

DOCKERFILE = Path(__file__).parents[3] / "trainer" / "Dockerfile"
BASE_IMAGE = "python:3.11-slim-bookworm"
INTERPRETER = "python"
# The caller's package index counts inside a build too; it is left in the image's history, so it must hold no password.
_PASSED_ON = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST")


def key(requirements: str, base_image: str) -> str:
    """What an image of these parts is called."""
    parts = (DOCKERFILE.read_text(), base_image or BASE_IMAGE, requirements)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def name(requirements: str, base_image: str, registry: str) -> str:
    """The image's full name; with a registry's in front where there is one."""
    return engine_images.named("trainer", key(requirements, base_image), registry)


def ensure(
    client: Any, image: str, requirements: str, base_image: str, registry: str, say: Callable[[str], None]
) -> str:
    """Build `image`, and push it where there is a registry, unless it is there already.

    Returns:
        Its digest.

    Raises:
        SamerunError: with the build's last line.
    """
    context = installing(DOCKERFILE, {"requirements.txt": requirements.encode()})
    arguments = {"BASE_IMAGE": base_image or BASE_IMAGE, **index_arguments()}
    return engine_images.ensure_built(client, image, context, arguments, registry, say, installer.TOLD)


def installing(dockerfile: Path, content: Mapping[str, bytes]) -> dict[str, bytes]:
    """What an image is built from that installs packages: its Dockerfile, our installer, and `content`."""
    return {"Dockerfile": dockerfile.read_bytes(), installer_archive.NAME: installer_archive.data(), **content}


def index_arguments() -> dict[str, str]:
    """The caller's package index, as arguments of a build."""
    return {name: os.environ[name] for name in _PASSED_ON if os.environ.get(name)}
