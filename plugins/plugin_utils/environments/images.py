# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Builds each trainer image once; its tag is a hash of its content."""

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
# A build uses the user's package index too. Build arguments stay in the image's history: they must hold no password.
_PASSED_ON = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST")


def key(requirements: str, base_image: str) -> str:
    """Return the tag of the image made from these parts."""
    parts = (DOCKERFILE.read_text(), base_image or BASE_IMAGE, requirements)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def name(requirements: str, base_image: str, registry: str) -> str:
    """Return the full name of the image; it begins with the registry if one is given."""
    return engine_images.named("trainer", key(requirements, base_image), registry)


def ensure(
    client: Any, image: str, requirements: str, base_image: str, registry: str, say: Callable[[str], None]
) -> str:
    """Build `image`, and push it if there is a registry, unless it exists already.

    Returns:
        Its digest.

    Raises:
        SamerunError: the build or the push failed; the message has the build's last line.
    """
    context = installing(DOCKERFILE, {"requirements.txt": requirements.encode()})
    arguments = {"BASE_IMAGE": base_image or BASE_IMAGE, **index_arguments()}
    return engine_images.ensure_built(client, image, context, arguments, registry, say, installer.TOLD)


def installing(dockerfile: Path, content: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the build context of an image that installs packages: Dockerfile, our installer, and `content`."""
    return {"Dockerfile": dockerfile.read_bytes(), installer_archive.NAME: installer_archive.data(), **content}


def index_arguments() -> dict[str, str]:
    """Return the user's package index as build arguments."""
    return {name: os.environ[name] for name in _PASSED_ON if os.environ.get(name)}
