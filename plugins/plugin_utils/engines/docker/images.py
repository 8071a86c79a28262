# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images of a Docker engine: found, pulled, built and pushed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine, words


def named(what: str, tag: str, registry: str) -> str:
    """An image of ours."""
    return f"{registry + '/' if registry else ''}samerun/{what}:{tag}"


def ensure_built(
    client: Any,
    image: str,
    context: Mapping[str, bytes],
    arguments: Mapping[str, str],
    registry: str,
    say: Callable[[str], None],
    told: Collection[str] = (),
) -> str:
    """Build `image`, and push it where there is a registry, unless it is there already.

    Returns:
        Its digest.

    Args:
        context: what it is built from, its Dockerfile among it.
    """
    import docker

    try:
        found = client.images.get(image)
    except docker.errors.ImageNotFound:
        found = None
    if found is None and registry:
        found = _pulled(client, image)
    if found is None:
        build(client, image, context, arguments, say, told)
        found = client.images.get(image)
    if registry and not found.attrs.get("RepoDigests"):
        push(client, image, say)
        found = client.images.get(image)
    return digest(found)


def digest(found: Any) -> str:
    """What names the engine's image `found` for ever."""
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
    """Whether the registry in `image`'s name has it."""
    import docker

    try:
        client.images.get_registry_data(image)
    except docker.errors.APIError:
        return False
    return True


def pull(client: Any, image: str) -> Any:
    """The image `image` of its registry, for the engine's platform.

    Raises:
        SamerunError: it is not there, or is for another platform, or its registry is not reached, or the disk is full.
    """
    what = f"pull the image {image}"
    with engine.explained(what):
        # The client's own pull reads these steps without looking, so that a full disk reads "no such image".
        for step in client.api.pull(*_split(image), stream=True, decode=True):
            if "error" in step:
                raise words.refusal(what, step["error"])
        return client.images.get(image)


def _pulled(client: Any, image: str) -> Any:
    """As `pull`, but None where the registry has no such image."""
    try:
        return pull(client, image)
    except SamerunError as error:
        # What a build would not mend is said now, and not after minutes.
        cause = error.cause if isinstance(error, words.RefusalError) else None
        if cause in (words.UNREACHABLE, words.FULL_DISK):
            raise
        return None


def _split(image: str) -> tuple[str, str | None]:
    """Name and tag: without a tag the engine would pull every one there is."""
    if "@" in image:
        return image, None
    name, colon, tag = image.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (image, "latest")


def build(
    client: Any,
    image: str,
    context: Mapping[str, bytes],
    arguments: Mapping[str, str],
    say: Callable[[str], None],
    told: Collection[str] = (),
) -> None:
    """Build `image` from `context`.

    Args:
        told: beginnings of the build's lines that are told beside its steps.

    Raises:
        SamerunError: with the build's last lines.
    """
    say(f"Building the image {image}: once, which may take minutes")
    with engine.explained(f"build the image {image}"):
        steps = client.api.build(
            fileobj=engine.archive(context), custom_context=True, tag=image, rm=True, forcerm=True,
            buildargs=dict(arguments), decode=True,
        )  # fmt: skip
        _watch(steps, f"build the image {image}", say, told)


def push(client: Any, image: str, say: Callable[[str], None]) -> None:
    say(f"Pushing {image}")
    with engine.explained(f"push the image {image}"):
        _watch(client.api.push(image, stream=True, decode=True), f"push the image {image}", lambda _line: None)


def _watch(steps: Any, what: str, say: Callable[[str], None], told: Collection[str] = ()) -> None:
    last: list[str] = []
    failed = ""
    # To the end also after an error: an answer that is not read whole leaves its socket open.
    for step in steps:
        failed = failed or step.get("error", "").strip()
        line = step.get("stream", "").strip()
        if line and not failed:
            last = [*last[-1:], line[:600]]
        if line.startswith("Step "):
            say(line[:100])
        if line.startswith(tuple(told)):
            say(line)
    if failed:
        raise _refusal(what, " | ".join([*last, failed]), failed)


def _refusal(what: str, said: str, failed: str) -> SamerunError:
    # A step's own output may hold any words; of them only a full disk is for sure the engine's.
    if words.cause(failed) or words.FULL_DISK.means(said):
        return words.refusal(what, said)
    return SamerunError(
        f"Failed to {what}: {said}.",
        "Are base image (training_base_image), registry and package index reachable? "
        "Or name a ready image: training_image.",
        UNAVAILABLE,
    )
