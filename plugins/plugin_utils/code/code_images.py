# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Builds images whose last layer is the code of a launch, for `training_delivery: image`.

The layer holds the same bundle that is otherwise sent with the launch, so the shim unpacks the same tree either way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.run import RunSpec
from ansible_collections.samerun.stack.plugins.plugin_utils.code.bundle import Bundle
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import images

DELIVERY = "image"
BUNDLE = "/opt/samerun/bundle.tar.gz"
_DOCKERFILE = "FROM {base}\nCOPY bundle.tar.gz {path}\n"


def planned(spec: RunSpec, registry: str) -> RunSpec:
    """Return `spec` with the image that holds its code, built or not; unchanged if its code is sent as a bundle."""
    if spec.training.delivery != DELIVERY:
        return spec
    base = spec.environment.digest or spec.environment.image
    tag = hashlib.sha256(f"{base}\0{spec.bundle_sha256}".encode()).hexdigest()[:16]
    return replace(spec, environment=replace(spec.environment, image=images.named("code", tag, registry), digest=""))


def made(client: Any, spec: RunSpec, code: Bundle, registry: str, say: Callable[[str], None]) -> RunSpec:
    """As `planned`, but build the image, and push it if there is a registry, unless it is there already."""
    if spec.training.delivery != DELIVERY:
        return spec
    wanted = planned(spec, registry)
    dockerfile = _DOCKERFILE.format(base=spec.environment.image, path=BUNDLE)
    context = {"Dockerfile": dockerfile.encode(), "bundle.tar.gz": code.data}
    digest = images.ensure_built(client, wanted.environment.image, context, {}, registry, say)
    return replace(wanted, environment=replace(wanted.environment, digest=digest))
