# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Builds each trainer image once; its tag is a hash of its content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils import installer, installer_archive
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import words as docker_words

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
    """Return the image's full name; it begins with the registry if one is given."""
    return named("trainer", key(requirements, base_image), registry)


def named(what: str, tag: str, registry: str) -> str:
    """Return the full name of an image that samerun builds."""
    return f"{registry + '/' if registry else ''}samerun/{what}:{tag}"


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
    return ensure_built(client, image, context, arguments, registry, say)


def installing(dockerfile: Path, content: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the build context of an image that installs packages: Dockerfile, our installer, and `content`."""
    return {"Dockerfile": dockerfile.read_bytes(), installer_archive.NAME: installer_archive.data(), **content}


def index_arguments() -> dict[str, str]:
    """Return the user's package index as build arguments."""
    return {name: os.environ[name] for name in _PASSED_ON if os.environ.get(name)}


def ensure_built(
    client: Any,
    image: str,
    context: Mapping[str, bytes],
    arguments: Mapping[str, str],
    registry: str,
    say: Callable[[str], None],
) -> str:
    """As `ensure`, for any image; `context` is the build context, including the Dockerfile."""
    import docker

    try:
        found = client.images.get(image)
    except docker.errors.ImageNotFound:
        found = None
    if found is None and registry:
        found = _pulled(client, image)
    if found is None:
        build(client, image, context, arguments, say)
        found = client.images.get(image)
    if registry and not found.attrs.get("RepoDigests"):
        push(client, image, say)
        found = client.images.get(image)
    return digest(found)


def digest(found: Any) -> str:
    """Return the digest of the engine's image `found`: this name never moves to another image."""
    return str((found.attrs.get("RepoDigests") or [found.id])[0])


def is_local(client: Any, image: str) -> bool:
    """Whether the engine has `image`."""
    import docker

    with engine.explained(f"find the image {image}"):
        try:
            client.images.get(image)
        except docker.errors.ImageNotFound:
            return False
    return True


def is_pushed(client: Any, image: str) -> bool:
    """Whether the registry in the name of `image` has it."""
    import docker

    try:
        client.images.get_registry_data(image)
    except docker.errors.APIError:
        return False
    return True


def pull(client: Any, image: str) -> Any:
    """Pull `image` from its registry, for the engine's platform.

    Raises:
        SamerunError: the image does not exist or is for another platform, the registry is unreachable, or the disk is
            full.
    """
    what = f"pull the image {image}"
    with engine.explained(what):
        # The client's own pull ignores errors in these steps: it would report a full disk as "no such image".
        for step in client.api.pull(*_split(image), stream=True, decode=True):
            if "error" in step:
                raise docker_words.refusal(what, step["error"])
        return client.images.get(image)


def _pulled(client: Any, image: str) -> Any:
    """As `pull`, but return None if the registry has no such image."""
    try:
        return pull(client, image)
    except SamerunError as error:
        # A build would not help against these causes: fail now, not after minutes.
        cause = error.cause if isinstance(error, docker_words.RefusalError) else None
        if cause in (docker_words.UNREACHABLE, docker_words.FULL_DISK):
            raise
        return None


def _split(image: str) -> tuple[str, str | None]:
    """Split `image` into name and tag; without a tag the engine would pull all tags."""
    if "@" in image:
        return image, None
    name, colon, tag = image.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (image, "latest")


def build(
    client: Any, image: str, context: Mapping[str, bytes], arguments: Mapping[str, str], say: Callable[[str], None]
) -> None:
    say(f"Building the image {image}: once, which may take minutes")
    with engine.explained(f"build the image {image}"):
        steps = client.api.build(
            fileobj=engine.archive(context), custom_context=True, tag=image, rm=True, forcerm=True,
            buildargs=dict(arguments), decode=True,
        )  # fmt: skip
        _watch(steps, f"build the image {image}", say)


def push(client: Any, image: str, say: Callable[[str], None]) -> None:
    say(f"Pushing {image}")
    with engine.explained(f"push the image {image}"):
        _watch(client.api.push(image, stream=True, decode=True), f"push the image {image}", lambda _line: None)


def _watch(steps: Any, what: str, say: Callable[[str], None]) -> None:
    last: list[str] = []
    failed = ""
    # Read to the end even after an error: an answer that is read in part leaves its socket open.
    for step in steps:
        failed = failed or step.get("error", "").strip()
        line = step.get("stream", "").strip()
        if line and not failed:
            last = [*last[-1:], line[:600]]
        if line.startswith("Step "):
            say(line[:100])
        if line.startswith((installer.BY_PIP, installer.DONE)):
            say(line)
    if failed:
        raise _refusal(what, " | ".join([*last, failed]), failed)


def _refusal(what: str, words: str, failed: str) -> SamerunError:
    # The output of a build step may hold any words. Only those of a full disk are surely the engine's.
    if docker_words.cause(failed) or docker_words.FULL_DISK.means(words):
        return docker_words.refusal(what, words)
    return SamerunError(
        f"Failed to {what}: {words}.",
        "Are base image (training_base_image), registry and package index reachable? "
        "Or name a ready image: training_image.",
        UNAVAILABLE,
    )
