# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Probes the S3 store of a contract with short timeouts, and explains the store's errors.

The controller uses this module too, for its own viewpoint.
"""

from __future__ import annotations

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import clocks, signing
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.probes import (
    CONNECT_SECONDS,
    PROBE_BODY,
    PROBE_KEY,
    S3_ENDPOINT,
    ProbeError,
    probe_clock,
)
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3_client import S3Client
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3_connection import S3Error


def s3_client(endpoint: str, keys: signing.Keys, region: str, *, direct: bool = False) -> S3Client:
    """Return a client with short timeouts; with `direct` it ignores the proxies in the environment."""
    return S3Client(endpoint, keys, region, connect=CONNECT_SECONDS, read=READ_SECONDS, direct=direct)


def probe_s3(client: S3Client, bucket: str, endpoint: str, viewpoint: str) -> None:
    """Put and get one fixed key in `bucket`. Nothing is deleted, since a trainer has no permission to delete.

    Raises:
        ProbeError: it distinguishes a wrong key, wrong secret, missing bucket, denied access and unreachable store.
    """
    try:
        put = client.put(bucket, PROBE_KEY, PROBE_BODY)
        with client.get(bucket, PROBE_KEY) as answer:
            found = answer.read()
    except S3Error as error:
        raise s3_problem(error, bucket, endpoint, viewpoint) from error
    probe_clock("the S3 store", viewpoint, put.get("Date"))
    if found != PROBE_BODY:
        raise ProbeError(
            f"Failed to use the S3 store from the {viewpoint}: what was written to s3://{bucket}/{PROBE_KEY} at "
            f"{endpoint} reads differently.", "Is something between the run and the store changing bytes?",
        )  # fmt: skip


READ_SECONDS = 10  # short, as the user waits for the end of a run; there are two attempts
_OTHER_REGION = ("AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect")
_S3_CAUSES = {
    "InvalidAccessKeyId": ("it does not know the access key", "Set object_store_access_key to a key of this store."),
    "SignatureDoesNotMatch": ("the secret key is wrong", "Set object_store_secret_key to the secret of this key."),
    "NoSuchBucket": ("the bucket does not exist", "Name another by object_store_bucket; samerun up makes ours."),
    "AccessDenied": (
        "the key may not write and read there",
        "Give it s3:PutObject and s3:GetObject, or name its bucket by object_store_bucket; samerun up makes ours.",
    ),
    **dict.fromkeys(_OTHER_REGION, ("it expects another region", "Set object_store_region to its region.")),
    "InvalidBucketName": ("no bucket can be called so", "Lower case, digits and hyphens fit object_store_bucket."),
    "404": ("what answers there is no S3 store", "Set object_store_endpoint to its S3 interface."),
    **dict.fromkeys(
        ("301", "302", "307", "308"),
        ("what answers there sends elsewhere", "Set object_store_endpoint to the store itself, by its own scheme."),
    ),
    "EndpointConnectionError": ("nothing answers there", "Is it started? A store of this world: samerun up"),
    "ConnectTimeoutError": ("no answer within 5 s", "Is it started, and does a firewall stand between?"),
    "ReadTimeoutError": ("it takes the connection and says nothing", "Does it hang, or a proxy before it?"),
    **dict.fromkeys(
        ("ConnectionClosedError", "IncompleteReadError", "ResponseStreamingError", "ProtocolError"),
        (
            "the connection is cut before all was answered",
            "Is it an S3 store, and object_store_endpoint http or https as it speaks? Else its log says more, or a "
            "proxy's before it.",
        ),
    ),
    "SSLError": ("TLS does not fit", "http or https in object_store_endpoint? Is its certificate known here?"),
}  # fmt: skip


def s3_problem(error: S3Error, bucket: str, endpoint: str, viewpoint: str) -> ProbeError:
    """Explain in one line why a request failed."""
    if skewed := clocks.problem("the S3 store", viewpoint, error.date):
        return ProbeError(*skewed)
    cause, hint = _S3_CAUSES.get(error.code, (str(error) or error.code, "See the store's log."))
    if error.code in _OTHER_REGION and error.region:
        hint = f"Set object_store_region to {error.region}."
    where = f"Failed to use bucket {bucket} from the {viewpoint} ({S3_ENDPOINT}={endpoint})"
    return ProbeError(f"{where}: {cause.rstrip('.')}.", hint)
