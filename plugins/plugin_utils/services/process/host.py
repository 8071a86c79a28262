# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Services as processes of this host, kept up by supervisord."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.endpoints import LOOPBACK
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process import guard, ports, supervisor
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import venvs
from ansible_collections.samerun.stack.plugins.plugin_utils.services import health
from ansible_collections.samerun.stack.plugins.plugin_utils.services.base import ServiceHost, ServiceState, Teardown
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Claim, Places, Service

_GUARD = "guard.py"
_KEEPERS = ("psutil>=6.1", "supervisor>=4.3")  # what keeps a service up, in the same venv as the service
_ASK_SECONDS = 5
_WORDS = {"RUNNING": "running", "STARTING": "starting", "BACKOFF": "starting", "": "absent"}


class ProcessHost(ServiceHost):
    """Runs services as processes; configuration, data, logs and key files are in the world's state folder."""

    NAME = "process"
    VIEWPOINT = "host"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.folder = world.state / "services"
        self.supervisor = supervisor.Supervisor(self.folder)

    def check(self) -> None:
        """Check nothing: only this interpreter is needed."""

    def claim(self, claims: Sequence[Claim]) -> dict[str, int]:
        taken: set[int] = set()
        moved = {}
        for claim in claims:
            for port in claim.ports:
                # A running service keeps its ports; so does a stopped one while no other program takes them.
                if self.supervisor.state(claim.name) in ("RUNNING", "STARTING"):
                    free = port.port
                else:
                    guard.reap(self._mark(claim.name))
                    free = ports.next_free(self.world.bind, port.port, taken)
                taken.add(free)
                if free != port.port:
                    moved[port.variable] = free
        return moved

    def places(self, service: Service) -> Places:
        folder = self._service_folder(service.name)
        data = Path(service.data).expanduser() if "/" in service.data else folder / "data"
        bind = self.world.bind
        return Places(
            data=str(data), secrets=str(folder / "secrets"), bin=f"{self._venv(service)}/bin/",
            listen=bind, itself="127.0.0.1" if bind in LOOPBACK else bind,
        )  # fmt: skip

    def compare(self, service: Service, values: Mapping[str, str] | None) -> ServiceState:
        state = ServiceState(
            exists=self.supervisor.program_path(service.name).exists(),
            request={"requirements": [*service.requirements, *_KEEPERS]},
        )
        running = self.supervisor.state(service.name)
        if running not in ("RUNNING", "STARTING"):
            state.differs.append(f"program {service.name} is {running.lower() or 'absent'}")
        if not venvs.is_made(self._venv(service)):
            state.differs.append(f"the Python environment of {service.name} is absent")
        if self._differs(self.supervisor.program_path(service.name), self._program(service)):
            state.differs.append(f"program {service.name} is not configured as wanted")
        if values is not None and self._stale(service, values):
            state.differs.append(f"the keys of {service.name} are not the world's")
        return state

    def deliver(self, service: Service, values: Mapping[str, str]) -> bool:
        folder = self._service_folder(service.name) / "secrets"
        # A list first: `any` over a generator would stop after the first file that changed.
        written = [files.write_private(folder / n, data) for n, data in service.rendered_secrets(values).items()]
        return any(written)

    def apply(self, service: Service, *, restart: bool) -> bool:
        """Make the service run as wanted; return whether anything changed."""
        files.private_folder(Path(self.places(service).data))
        # A copy: the command of a service must not change when samerun is installed elsewhere.
        files.write_private(self.folder / _GUARD, Path(guard.__file__).read_bytes())
        # If two commands set up one world at once, the second finds what the first has started.
        with files.locked(self.folder / ".lock"):
            changed = files.write_private(self.supervisor.program_path(service.name), self._program(service))
            was = self.supervisor.state(service.name)
            log = self._log(service.name)
            # Keep the length of the log: older lines do not say why the service does not start now.
            files.write_json(self._started(service.name), {"log": log.stat().st_size if log.exists() else 0})
            self.supervisor.start(self._venv(service) / "bin" / "python")
            self.supervisor.apply(service.name, restart=restart)
        return changed or restart or was not in ("RUNNING", "STARTING")

    def ask(self, service: Service) -> str:
        environ = {key: os.environ[key] for key in supervisor.INHERITED if key in os.environ}
        try:
            done = subprocess.run(
                service.health.command, env={**environ, **service.env}, cwd=self.folder, timeout=_ASK_SECONDS,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"its check {service.health.command[0]} cannot be run: {error}"
        return health.said(done.returncode, done.stdout)

    def running(self, role: str, name: str, namespace: str) -> str:
        return _WORDS.get(self.supervisor.state(name), "stopped")

    def last_words(self, service: Service, lines: int = 5) -> str:
        log = self._log(service.name)
        if not log.exists():
            return ""
        before = int(files.read_json(self._started(service.name)).get("log", 0))
        text = log.read_bytes()
        return "\n".join(text[before if before <= len(text) else 0 :].decode(errors="replace").splitlines()[-lines:])

    def teardown(self, *, purge: bool) -> Teardown:
        names = sorted(path.name.removesuffix(".conf.d") for path in self.folder.glob("*.conf.d"))
        ran = self.supervisor.shutdown()
        removed = [f"program {name}" for name in names if guard.reap(self._mark(name)) or ran]
        for name in names:
            self.supervisor.program_path(name).unlink()
            shutil.rmtree(self._service_folder(name) / "secrets", ignore_errors=True)
        if self.supervisor.socket.parent != self.folder:
            shutil.rmtree(self.supervisor.socket.parent, ignore_errors=True)
        return Teardown(removed)  # with purge, data, keys and records are removed with the state folder

    def _service_folder(self, name: str) -> Path:
        return self.folder / name

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _started(self, name: str) -> Path:
        return self.folder / f"{name}.started.json"

    def _mark(self, name: str) -> str:
        return str(self._service_folder(name))

    def _venv(self, service: Service) -> Path:
        return venvs.folder(self.world.cache, venvs.listed([*service.requirements, *_KEEPERS]))

    def _program(self, service: Service) -> str:
        folder = self._service_folder(service.name)
        command = [f"{self._venv(service)}/bin/python", str(self.folder / _GUARD), *service.command]
        environment = {**service.env, guard.MARK: self._mark(service.name)}
        return supervisor.program(service.name, command, environment, folder / "secrets", self._log(service.name))

    def _stale(self, service: Service, values: Mapping[str, str]) -> bool:
        folder = self._service_folder(service.name) / "secrets"
        wanted = service.rendered_secrets(values)
        return any(not (folder / n).exists() or (folder / n).read_bytes() != data for n, data in wanted.items())

    @staticmethod
    def _differs(path: Path, text: str) -> bool:
        return not path.exists() or path.read_text() != text
