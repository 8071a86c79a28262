"""A fake service host and a fake target: a test sets their state, and they record the calls."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import (
    Environment,
    Outcome,
    RunRecord,
    RunSpec,
    RunState,
)
from ansible_collections.samerun.stack.plugins.module_utils.training import EnvironmentRequest
from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials, World
from ansible_collections.samerun.stack.plugins.plugin_utils.code.bundle import Bundle
from ansible_collections.samerun.stack.plugins.plugin_utils.services import HOSTS
from ansible_collections.samerun.stack.plugins.plugin_utils.services.base import ServiceHost, ServiceState, Teardown
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Claim, Places, Service
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import Target


class FakeHost(ServiceHost):
    """A service host whose services are in the state that a test sets.

    Attributes:
        states: of services, by name; one that is not named runs.
        moved: ports that are taken, by variable.
        found: what comparing a service finds.
        words: the end of every log.
        answer: why the command of a service's health says that it is not ready.
        hope: why no service starts, if none does.
        asked: what was asked for that changes something.
    """

    NAME = "process"
    VIEWPOINT = "host"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.states: dict[str, str] = {}
        self.moved: dict[str, int] = {}
        self.found = ServiceState(exists=True)
        self.words = self.hope = self.answer = ""
        self.torn_down = Teardown()
        self.differs = False
        self.asked: list[str] = []

    def check(self) -> None:
        self.asked.append("check")

    def claim(self, claims: Sequence[Claim]) -> dict[str, int]:
        return self.moved

    def places(self, service: Service) -> Places:
        return Places(data=service.data_path, secrets="/secrets")

    def compare(self, service: Service, values: Mapping[str, str] | None) -> ServiceState:
        return copy.deepcopy(self.found)

    def fetch(self, service: Service) -> None:
        self.asked.append(f"fetch {service.image}")

    def deliver(self, service: Service, values: Mapping[str, str]) -> bool:
        self.asked.append(f"deliver {sorted(service.rendered_secrets(values))}")
        return self.differs

    def ask(self, service: Service) -> str:
        return self.answer

    def running(self, role: str, name: str, namespace: str) -> str:
        return self.states.get(name, "running")

    def hopeless(self, service: Service) -> str:
        return self.hope

    def last_words(self, service: Service, lines: int = 5) -> str:
        return self.words

    def teardown(self, *, purge: bool) -> Teardown:
        self.asked.append("teardown with data" if purge else "teardown")
        return self.torn_down

    def publish(self, keys: Credentials | None, *, change: bool) -> bool:
        self.asked.append("publish" if change else "compare what is published")
        return self.differs

    def remember(self, service: Service) -> None:
        self.asked.append(f"remember {service.name}")


class FakeTarget(Target):
    """A target with the launches that a test adds.

    Attributes:
        known: records, as submitted.
        ended: how launches ended; a launch without an entry is running.
        logs: the logs of launches.
        problem: the error with which the engine refuses every call, if set.
        asked: the calls that would change something.
    """

    NAME = "process"
    VIEWPOINT = "host"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.known: list[RunRecord] = []
        self.ended: dict[str, Outcome] = {}
        self.logs: dict[str, bytes] = {}
        self.problem: SamerunError | None = None
        self.asked: list[str] = []

    def _refuse(self) -> None:
        if self.problem:
            raise self.problem

    def check(self) -> None:
        self._refuse()

    def close(self) -> None:
        self.asked.append("close")

    def environment(self, request: EnvironmentRequest) -> Environment:
        return Environment(request.python or "python", request.image, key="key")

    def prepare(self, request: EnvironmentRequest, environment: Environment) -> Environment:
        return environment

    def plan(self, spec: RunSpec) -> dict[str, Any]:
        return {"script": spec.training.script, "args": list(spec.training.args)}

    def submit(self, spec: RunSpec, code: Bundle) -> None:
        self._refuse()
        self.asked.append(f"submit {spec.training.script}")

    def follow(self, launch: str) -> Iterator[bytes]:
        yield self.logs.get(launch, b"")

    def log(self, launch: str) -> Iterator[bytes]:
        self._refuse()
        yield self.logs.get(launch, b"")

    def outcome(self, launch: str) -> Outcome | None:
        self._refuse()
        return self.ended.get(launch)

    def launches(self) -> list[RunRecord]:
        self._refuse()
        return self.known

    def cancel(self, launch: str, number: int) -> None:
        self.asked.append(f"signal {launch} {int(number)}")

    def remove(self, launch: str) -> None:
        self._refuse()
        self.asked.append(f"remove {launch}")
        self.known = [record for record in self.known if record.launch != launch]

    def teardown(self) -> list[str]:
        self._refuse()
        return [f"what {self.NAME} shares"]

    def add(self, launch: str = samples.LAUNCH, *, state: RunState | None = None, **given: Any) -> RunRecord:
        """Add a launch that is running, or has ended with `state`."""
        found = samples.record(launch, world=self.world.name, target=self.NAME, **given)
        self.known.append(found)
        if state:
            code = 0 if state is RunState.FINISHED else 1
            self.ended[launch] = Outcome(exit_code=code, state=state, report={"closed": True})
        return found


def host(monkeypatch: pytest.MonkeyPatch, world: World) -> FakeHost:
    """Use a fake service host for every world on the target of `world`, until the test ends."""
    found = FakeHost(world)
    monkeypatch.setitem(HOSTS, world.target, cast("type[ServiceHost]", lambda _world: found))
    return found


def target(monkeypatch: pytest.MonkeyPatch, world: World, name: str = "") -> FakeTarget:
    """Use a fake target in place of `name`, or of the target of `world`, until the test ends."""
    found = FakeTarget(world)
    found.NAME = name or world.target  # type: ignore[misc] # of this one alone
    monkeypatch.setitem(TARGETS, found.NAME, cast("type[Target]", lambda _world, _say=None: found))
    return found


def absent(path: Path) -> bool:
    """Whether nothing is at `path`, or an empty folder."""
    return not path.exists() or not any(path.iterdir())
