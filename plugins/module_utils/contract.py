# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The contract: the environment variables that a run gets.

This table is the only place with their names. To add a variable, add a row: masking, the keys of the ConfigMap and the
Secret, `samerun env` and the README's table follow from it. If a row's source is the name of an inventory variable, it
has that variable's value; the inventory variable itself is a row in settings/.

This file travels with each launch, see the folder plugin_utils/shim.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

# How artifacts get to the store: DIRECT, the script writes them and has the store's keys; PROXIED, MLflow writes them
# and has the keys.
DIRECT, PROXIED = "direct", "proxied"
MODES = (DIRECT, PROXIED)


@dataclass(frozen=True)
class Variable:
    """One row of the table.

    Attributes:
        name: the environment variable.
        source: where its value comes from: the name of an inventory variable, or a key of `World.sources`.
        key: its key in the ConfigMap `mlflow-config` or, for a secret, in the Secret `r2-credentials`.
        help: one line for the README and the messages.
        setting: the inventory variable that sets it.
        secret: whether the value must never be shown.
        required: whether a run without it is refused.
        modes: the artifact modes in which a run gets it.
    """

    name: str
    source: str
    key: str
    help: str
    setting: str
    secret: bool = False
    required: bool = True
    modes: tuple[str, ...] = MODES


_DIRECT = (DIRECT,)

TABLE: tuple[Variable, ...] = (
    Variable(
        "MLFLOW_TRACKING_URI", "tracking_uri", "mlflow-tracking-uri",
        "the tracking server, as the script reaches it", "mlflow_endpoint",
    ),
    Variable(
        "MLFLOW_S3_ENDPOINT_URL", "s3_endpoint", "mlflow-s3-endpoint-url",
        "the S3 endpoint, as the script reaches it", "object_store_endpoint", modes=_DIRECT,
    ),
    Variable(
        "AWS_ACCESS_KEY_ID", "access_key", "access-key",
        "the S3 access key", "object_store_access_key", secret=True, modes=_DIRECT,
    ),
    Variable(
        "AWS_SECRET_ACCESS_KEY", "secret_key", "secret-key",
        "the S3 secret key", "object_store_secret_key", secret=True, modes=_DIRECT,
    ),
    Variable(
        "AWS_DEFAULT_REGION", "region", "region",
        "the S3 region that requests are signed for", "object_store_region", required=False, modes=_DIRECT,
    ),
    Variable(
        "AWS_REQUEST_CHECKSUM_CALCULATION", "checksums", "request-checksums",
        "`when_required`: stores other than AWS refuse newer checksums", "object_store_region", required=False,
        modes=_DIRECT,
    ),
    Variable(
        "AWS_RESPONSE_CHECKSUM_VALIDATION", "checksums", "response-checksums",
        "`when_required`, for the same reason", "object_store_region", required=False, modes=_DIRECT,
    ),
    Variable(
        "AWS_RETRY_MODE", "s3_retry_mode", "s3-retry-mode",
        "`legacy`: waits longer each time, so that an upload outlives a store that is away for a minute",
        "training_env", required=False, modes=_DIRECT,
    ),
    Variable(
        "AWS_MAX_ATTEMPTS", "s3_attempts", "s3-attempts",
        "how often a request to the store is tried", "training_env", required=False, modes=_DIRECT,
    ),
    Variable(
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "mlflow_retries", "mlflow-retries",
        "how often a call of MLflow is tried again: an outage of 200 s is outlived", "training_env", required=False,
    ),
    Variable(
        "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "mlflow_backoff", "mlflow-backoff",
        "seconds that the waits between those double from", "training_env", required=False,
    ),
    Variable(
        "MLFLOW_TRACKING_USERNAME", "mlflow_username", "mlflow-username",
        "the user that MLflow asks for", "mlflow_username", secret=True, required=False,
    ),
    Variable(
        "MLFLOW_TRACKING_PASSWORD", "mlflow_password", "mlflow-password",
        "and its password", "mlflow_password", secret=True, required=False,
    ),
    Variable(
        "MLFLOW_TRACKING_TOKEN", "mlflow_token", "mlflow-token",
        "the token that MLflow asks for", "mlflow_token", secret=True, required=False,
    ),
)  # fmt: skip

# Values that are the same in every world; `training_env` can override them in a run.
#
# botocore's legacy mode makes 12 attempts; between them it waits a random part of 1, 2, 4, ..., 1024 s. MLflow's client
# allows at most 10 retries. With these values it waits 0, 2, 4, 8, 16, 32, 64, 120 and 120 s; by default it would wait
# 0, 4, 8, 16, 32, 64 and 120 s.
PATIENCE = {"s3_retry_mode": "legacy", "s3_attempts": "12", "mlflow_retries": "9", "mlflow_backoff": "1"}


@dataclass(frozen=True)
class Login:
    """The login at MLflow: a user with a password, or a token; all are empty if MLflow needs no login."""

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Login:
        """Return the login from the variables of a run; `values` may be a whole environment."""
        return cls.said_by({row.source: values.get(row.name, "") for row in TABLE})

    @classmethod
    def said_by(cls, sources: Mapping[str, str]) -> Login:
        """Return the login from the values of the table's sources."""
        return cls(*(sources.get(f"mlflow_{part}", "") for part in ("username", "password", "token")))

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of a request; as in MLflow's own client, the user comes before the token."""
        if self.username and self.password:
            pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


NOBODY = Login()


@dataclass(frozen=True)
class Contract:
    """The resolved values for one viewpoint, in two parts: plain and secret.

    Attributes:
        own_hosts: host names of the world's own services, which are reached without a proxy.
    """

    plain: Mapping[str, str]
    secret: Mapping[str, str] = field(repr=False)
    mode: str = DIRECT
    own_hosts: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        return sorted([*self.plain, *self.secret])

    @property
    def sha256(self) -> str:
        """Return the hash of the part that is not secret; equal for runs with equal values."""
        return hashlib.sha256("\0".join(f"{k}={v}" for k, v in sorted(self.plain.items())).encode()).hexdigest()

    @property
    def values(self) -> dict[str, str]:
        return {**self.plain, **self.secret}

    def without(self, names: Collection[str]) -> Contract:
        """Return this contract without the variables `names`, which a run sets itself."""
        kept = {name: value for name, value in self.plain.items() if name not in names}
        return replace(self, plain=kept)


def resolve(sources: Mapping[str, str], mode: str = DIRECT) -> Contract:
    """Fill the rows of `mode` from `sources` (source name to value); empty values are left out, see `missing`."""
    filled = [(row, sources.get(row.source, "")) for row in TABLE if mode in row.modes]
    return Contract(
        plain={row.name: value for row, value in filled if value and not row.secret},
        secret={row.name: value for row, value in filled if value and row.secret},
        mode=mode,
    )


def missing(contract: Contract) -> list[Variable]:
    """Return all required rows without a value."""
    asked = (row for row in TABLE if row.required and contract.mode in row.modes)
    return [row for row in asked if not contract.values.get(row.name)]


def keys(secret: bool) -> dict[str, str]:
    """Map variable names to their keys in the Secret (`secret`) or else in the ConfigMap."""
    return {row.name: row.key for row in TABLE if row.secret == secret}


def name_of(source: str) -> str:
    """Return the name of the variable that has the value of `source`."""
    return next(row.name for row in TABLE if row.source == source)
