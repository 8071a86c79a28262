# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a user asks for: the `training_*` variables, read and checked, as every target takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Volume:
    """Files of the training's own.

    Attributes:
        source: an absolute folder of the host, or the name of a volume (on Kubernetes: of a claim).
        path: where the script sees it, absolute.
    """

    source: str
    path: str
    read_only: bool = False

    @property
    def named(self) -> bool:
        return not self.source.startswith("/")


@dataclass(frozen=True)
class EnvironmentRequest:
    """What the user wants the script to run in.

    Attributes:
        requirements: the text of the requirements file.
        python, image: named by the user, then nothing is built.
        base_image: what a trainer image is built from.
    """

    requirements: str
    python: str = ""
    image: str = ""
    base_image: str = ""


@dataclass(frozen=True)
class Scheduling:
    """Where a cluster may run a launch; its words are Kubernetes' own.

    Attributes:
        queue: of Kueue.
        start_timeout: seconds that a pod which no node takes is waited for, 0 for ever.
    """

    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Any], ...] = ()
    priority_class: str = ""
    service_account: str = ""
    queue: str = ""
    start_timeout: int = 10


@dataclass(frozen=True)
class Keeping:
    """What is kept with the MLflow runs of a launch.

    Attributes:
        outputs: patterns of files below the working folder.
        code: whether the bundle is kept.
        failures: whether a launch that started no run gets one.
    """

    outputs: tuple[str, ...] = ()
    code: bool = False
    failures: bool = False


@dataclass(frozen=True)
class Training:
    """What is to be trained, and how; see the settings of the role `training`.

    Attributes:
        target: the name of the target that it runs on, never empty.
        script: its path inside the project.
        project: the folder of this host that the code is in.
        env, secret_env: the user's own variables, those that may be shown and those that may not.
        resources: `cpu` in cores, `memory` and `shm` in bytes with a suffix, as Kubernetes writes them, and `gpu`.
        timeout: seconds, 0 for none.
        overlay: is merged over the native request, see `overlaid` in targets/base.py.
        retries: how often a lost launch is started again; with `retry_failures` a failed one too.
        delivery: how the code gets there: auto, bundle, mount or image.
    """

    target: str
    script: str
    args: tuple[str, ...] = ()
    project: str = ""
    name: str = ""
    environment: EnvironmentRequest = field(default_factory=lambda: EnvironmentRequest(""))
    env: Mapping[str, str] = field(default_factory=dict)
    secret_env: Mapping[str, str] = field(default_factory=dict, repr=False)
    volumes: tuple[Volume, ...] = ()
    resources: Mapping[str, str] = field(default_factory=dict)
    timeout: int = 0
    network: str = ""
    scheduling: Scheduling = field(default_factory=Scheduling)
    overlay: Mapping[str, Any] = field(default_factory=dict)
    retries: int = 0
    retry_failures: bool = False
    keeping: Keeping = field(default_factory=Keeping)
    delivery: str = "auto"

    @property
    def folder(self) -> str:
        """The project folder as engines take it: absolute, and no link."""
        return str(Path(self.project).resolve())
