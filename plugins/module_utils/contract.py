# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The contract: the environment variables that a run gets.

This table is the only place that spells their names. A variable is added by adding a row: masking, the keys of
the ConfigMap and the Secret, `samerun env` and the README's table follow from it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Variable:
    """One row.

    Attributes:
        name: the environment variable.
        source: which of the world's values it carries, see `World.sources`.
        key: its key in the ConfigMap `mlflow-config` or, for a secret, in the Secret `r2-credentials`.
        help: one line for the README and the messages.
        setting: the inventory variable that sets it.
        secret: whether the value must appear nowhere.
        required: whether a run without it is refused.
    """

    name: str
    source: str
    key: str
    help: str
    setting: str
    secret: bool = False
    required: bool = True


TABLE: tuple[Variable, ...] = (
    Variable(
        "MLFLOW_TRACKING_URI", "tracking_uri", "mlflow-tracking-uri",
        "the tracking server, as the script reaches it", "mlflow_endpoint",
    ),
    Variable(
        "MLFLOW_S3_ENDPOINT_URL", "s3_endpoint", "mlflow-s3-endpoint-url",
        "the S3 endpoint, as the script reaches it", "object_store_endpoint",
    ),
    Variable(
        "AWS_ACCESS_KEY_ID", "access_key", "access-key",
        "the S3 access key", "object_store_access_key", secret=True,
    ),
    Variable(
        "AWS_SECRET_ACCESS_KEY", "secret_key", "secret-key",
        "the S3 secret key", "object_store_secret_key", secret=True,
    ),
    Variable(
        "AWS_DEFAULT_REGION", "region", "region",
        "the S3 region that requests are signed for", "object_store_region", required=False,
    ),
    Variable(
        "AWS_REQUEST_CHECKSUM_CALCULATION", "checksums", "request-checksums",
        "`when_required`: stores other than AWS refuse newer checksums", "object_store_region", required=False,
    ),
    Variable(
        "AWS_RESPONSE_CHECKSUM_VALIDATION", "checksums", "response-checksums",
        "`when_required`, for the same reason", "object_store_region", required=False,
    ),
)  # fmt: skip

# What a caller's shell may hold and a run must never inherit.
FOREIGN_PREFIXES = ("AWS_", "MLFLOW_", "PYTHON")
FOREIGN_NAMES = ("VIRTUAL_ENV",)

# What the program that started the play has set for it: a JSON object of variable to the caller's own value or null.
CALLER = "SAMERUN_CALLER"


@dataclass(frozen=True)
class Contract:
    """The resolved values for one viewpoint, apart by whether they are secret."""

    plain: Mapping[str, str]
    secret: Mapping[str, str] = field(repr=False)

    @property
    def names(self) -> list[str]:
        return sorted([*self.plain, *self.secret])

    @property
    def sha256(self) -> str:
        """Hash of the non-secret part: equal where two runs were told the same."""
        return hashlib.sha256("\0".join(f"{k}={v}" for k, v in sorted(self.plain.items())).encode()).hexdigest()

    @property
    def values(self) -> dict[str, str]:
        return {**self.plain, **self.secret}


def resolve(sources: Mapping[str, str]) -> Contract:
    """Fill the table from `sources` (source name to value); what is empty is left out, see `missing`."""
    filled = [(row, sources.get(row.source, "")) for row in TABLE]
    return Contract(
        plain={row.name: value for row, value in filled if value and not row.secret},
        secret={row.name: value for row, value in filled if value and row.secret},
    )


def missing(contract: Contract) -> list[Variable]:
    """The required rows without a value, all at once."""
    return [row for row in TABLE if row.required and not contract.values.get(row.name)]


def keys(secret: bool) -> dict[str, str]:
    """Variable name to its key in the Secret (`secret`) or in the ConfigMap."""
    return {row.name: row.key for row in TABLE if row.secret == secret}


def name_of(source: str) -> str:
    """The variable that carries `source`."""
    return next(row.name for row in TABLE if row.source == source)


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without what would leak their credentials, servers or Python into a run."""
    callers = {**environ, **json.loads(environ.get(CALLER, "{}")), CALLER: None}
    return {
        name: value
        for name, value in callers.items()
        if value is not None and not name.startswith(FOREIGN_PREFIXES) and name not in FOREIGN_NAMES
    }
