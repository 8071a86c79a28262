# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The world as every plugin sees it: the services of one inventory, and the launches there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from platformdirs import user_cache_path, user_state_path

from ansible_collections.samerun.stack.plugins.module_utils import contract, files, kubeconfig
from ansible_collections.samerun.stack.plugins.module_utils.contract import Variable
from ansible_collections.samerun.stack.plugins.module_utils.endpoints import ADDRESSES, LOOPBACK, Endpoint, first_port
from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, DATA, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.launch_folder import LaunchFolder
from ansible_collections.samerun.stack.plugins.module_utils.settings import SETTINGS

OWNER_LABEL = "app.kubernetes.io/managed-by"
OWNER = "samerun"
WORLD_LABEL = "samerun.dev/world"
LAUNCH_LABEL = "samerun.dev/launch"
EXTERNAL = "external"  # the kind of a store that samerun does not set up
RECORD_LABEL = "samerun.dev/record"

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def moved_key(variable: str, asked: int) -> str:
    """Return the key in ports.json of the port that `variable` moved to; it counts only while `asked` is the same."""
    return f"{variable}={asked}"


@dataclass(frozen=True)
class Credentials:
    """The S3 keys of a world, which its services and samerun itself use.

    Attributes:
        trainer: the keys of runs, which have fewer permissions; None if runs use the world's keys.
    """

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    trainer: Credentials | None = field(default=None, repr=False)

    @property
    def values(self) -> tuple[str, str]:
        return (self.access_key, self.secret_key)

    @property
    def named(self) -> dict[str, str]:
        """The keys by the names that secret files of services use."""
        runs = self.for_runs
        return {
            "access_key": self.access_key, "secret_key": self.secret_key,
            "trainer_access_key": runs.access_key, "trainer_secret_key": runs.secret_key,
        }  # fmt: skip

    @property
    def for_runs(self) -> Credentials:
        return self.trainer or self


def is_of(labels: Mapping[str, str] | None, world: str) -> bool:
    """Whether an object with these labels belongs to the world; one of another world of samerun does not."""
    there = labels or {}
    return there.get(OWNER_LABEL) == OWNER and there.get(WORLD_LABEL) == world


@dataclass(frozen=True)
class World:
    """A world, made from the options in `WORLD_SPEC` of options.py.

    Attributes:
        services: role to service, in the order in which they start.
        given: the inventory variables that the contract takes unchanged, by name; see `TABLE` in contract.py.
        foreign_store: whether samerun does not set up the object store; its address may still be missing.
    """

    name: str
    target: str
    state: Path
    services: Mapping[str, Endpoint]
    bucket: str
    region: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    given: Mapping[str, str] = field(default_factory=dict, repr=False)
    foreign_store: bool = False
    artifact_mode: str = contract.DIRECT
    bind: str = "127.0.0.1"
    docker_host: str = ""
    network: str = "samerun"
    registry: str = ""
    context: str = ""
    kubeconfig: str = ""
    port_forward: bool = False
    training_namespace: str = "training"
    pull_secrets: tuple[str, ...] = ()
    kept_ports: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> World:
        """Make a world from the `world` option that every module of this collection takes.

        Raises:
            SamerunError: a name is not valid, for example a path.
        """
        _check_names(options)
        target = options["target"]
        state = Path(options["state_dir"] or user_state_path("samerun") / options["name"]).expanduser()
        kept = files.read_json(state / "ports.json")
        shared = {"target": target, "host": "localhost" if options["bind"] in LOOPBACK else options["bind"]}
        if "{node_address}" in ADDRESSES.get(target, {}).get("host", ""):
            # A port-forward listens on this host, at the services' own ports.
            here = "localhost" if options["port_forward"] else options["node_address"]
            shared["node_address"] = here or kubeconfig.context(options["kubeconfig"], options["context"]).node_address

        def endpoint(given: Mapping[str, Any]) -> Endpoint:
            first = first_port(given)
            asked = int(first["port"])
            port = int(kept.get(moved_key(first["variable"], asked), asked))
            return Endpoint.from_options(given, port, forwarded=options["port_forward"], **shared)

        services = {given["role"]: endpoint(given) for given in options["services"]}
        kinds = {given["role"]: given["kind"] for given in options["services"]}
        store = options["object_store"]
        return cls(
            name=options["name"], target=target, state=state, services=services,
            bucket=store["bucket"], region=store["region"],
            access_key=store["access_key"], secret_key=store["secret_key"],
            foreign_store=bool(services["object_store"].external) or kinds["object_store"] == EXTERNAL,
            given=_given(options), artifact_mode=options["mlflow"]["artifact_mode"],
            bind=options["bind"], docker_host=options["docker_host"], network=options["network"],
            registry=options["registry"].rstrip("/"),
            context=options["context"], kubeconfig=options["kubeconfig"],
            port_forward=options["port_forward"],
            training_namespace=options["training_namespace"], kept_ports=kept,
            pull_secrets=tuple(options["pull_secrets"]),
        )  # fmt: skip

    @property
    def login(self) -> contract.Login:
        """The login at MLflow."""
        return contract.Login.said_by(self.given)

    @property
    def runs(self) -> Path:
        return self.state / "runs"

    def folder(self, launch: str) -> LaunchFolder:
        """The folder of a launch."""
        return LaunchFolder(self.runs / launch)

    @property
    def cache(self) -> Path:
        """The folder of the venvs, which all worlds share."""
        return user_cache_path("samerun")

    @property
    def labels(self) -> dict[str, str]:
        """The labels that every object of this world has."""
        return {OWNER_LABEL: OWNER, WORLD_LABEL: self.name}

    @property
    def selectors(self) -> list[str]:
        """The label selectors that find the objects of this world, in the engines' format."""
        return [f"{name}={value}" for name, value in self.labels.items()]

    @property
    def mlflow(self) -> Endpoint:
        return self.services["mlflow"]

    @property
    def object_store(self) -> Endpoint:
        return self.services["object_store"]

    @property
    def uses_store(self) -> bool:
        """Whether runs, or services that samerun sets up, use the object store."""
        return self.object_store.used

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The services that the world uses; a service comes before those that it needs."""
        return tuple(endpoint for endpoint in reversed(list(self.services.values())) if endpoint.used)

    @property
    def own(self) -> tuple[Endpoint, ...]:
        """The used services that the world sets up itself."""
        return tuple(endpoint for endpoint in self.endpoints if endpoint.ours)

    @property
    def given_credentials(self) -> Credentials | None:
        """The keys that the inventory sets, if it sets both.

        Raises:
            SamerunError: only one of the two is set.
        """
        if bool(self.access_key) != bool(self.secret_key):
            unset = "object_store_secret_key" if self.access_key else "object_store_access_key"
            raise SamerunError(
                f"Failed to read the S3 keys: {unset} is empty while the other one is set.",
                "Set both, or none to have them generated.",
            )
        return Credentials(self.access_key, self.secret_key) if self.access_key else None

    def sources(self, viewpoint: str, credentials: Credentials | None) -> dict[str, str]:
        """Return the values for the rows of the contract, for a run at `viewpoint`."""
        common = {
            **contract.PATIENCE,
            **self.given,
            "tracking_uri": self.mlflow.url(viewpoint),
        }
        if self.artifact_mode == contract.PROXIED:
            return common
        s3 = self.object_store.url(viewpoint)
        aws = (urlsplit(s3).hostname or "").endswith(".amazonaws.com")
        return {
            **common,
            "s3_endpoint": s3,
            "access_key": credentials.access_key if credentials else "",
            "secret_key": credentials.secret_key if credentials else "",
            "region": self.region,
            "checksums": "" if aws else "when_required",
        }

    def own_hosts(self, viewpoint: str) -> tuple[str, ...]:
        """Return the host names and addresses of the world's own services, as seen from `viewpoint`."""
        names = [urlsplit(endpoint.url(viewpoint)).hostname or "" for endpoint in self.own]
        return tuple(dict.fromkeys((*names, *(("127.0.0.1",) if "localhost" in names else ()))))

    def contract(self, viewpoint: str, credentials: Credentials | None) -> contract.Contract:
        """Return the contract for `viewpoint`.

        Raises:
            SamerunError: variables have no value; it names all of them, and where to set each.
        """
        resolved = contract.resolve(self.sources(viewpoint, credentials), self.artifact_mode)
        resolved = replace(resolved, own_hosts=self.own_hosts(viewpoint))
        if unset := contract.missing(resolved):
            raise self.unresolved(unset, "Set what is named, or start the world's own services: samerun up")
        return resolved

    def unresolved(self, unset: Iterable[Variable], hint: str) -> SamerunError:
        """Return the error about all rows of the contract that have no value."""
        listed = ", ".join(f"{row.name} (set {row.setting})" for row in unset)
        cause = f"Failed to resolve the contract of world {self.name}: no value for {listed}."
        return SamerunError(cause, hint, CONFIG)


def _given(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the values that the contract takes unchanged from the option `world`, by variable.

    Raises:
        SamerunError: the login for MLflow is not valid.
    """
    rows = (SETTINGS[row.source] for row in contract.TABLE if row.source in SETTINGS)
    given = {setting.name: setting.text_in({"world": options}) for setting in rows}
    _check_login(contract.Login.said_by(given))
    return given


def _check_login(login: contract.Login) -> None:
    """Refuse an incomplete login for MLflow, two logins at once, and characters that a header cannot have."""
    problem = hint = ""
    if bool(login.username) != bool(login.password):
        unset = "mlflow_password" if login.username else "mlflow_username"
        problem, hint = f"{unset} is empty while the other one is set", "Set both, or none."
    elif login.username and login.token:
        problem, hint = "mlflow_username and mlflow_token are both set", "Set a user with its password, or a token."
    elif ":" in login.username:
        problem, hint = "mlflow_username holds a colon, which ends a user's name", "Correct it."
    elif login.token and not (login.token.isascii() and login.token.isprintable()):
        problem, hint = "mlflow_token holds what no header can carry", "Does it end in a newline? Correct it."
    if problem:
        raise SamerunError(f"Failed to read the login of MLflow: {problem}.", hint, CONFIG)


def _check_names(options: Mapping[str, Any]) -> None:
    """Refuse names with special characters, since names become parts of paths, labels and configuration."""
    names = {"samerun_world": options["name"], "samerun_network": options["network"]}
    names["training_namespace"] = options["training_namespace"]
    for given in options["services"]:
        names |= {f"{given['role']}_{key}": given[key] for key in ("name", "namespace")}
    names["object_store_bucket"] = options["object_store"]["bucket"]
    for variable, name in names.items():
        if name and not _NAME.fullmatch(name):
            raise SamerunError(
                f"Failed to read {variable}: {name!r} is not a name.",
                "Use letters, digits, hyphens, dots and underscores, from a letter or digit to another, at most 63.",
                DATA,
            )
