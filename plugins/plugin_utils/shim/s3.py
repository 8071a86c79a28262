# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The S3 store of a contract: a client that gives up quickly, and what it answers in words.

This file travels with a launch, see shim.py; the controller looks from its own place with it.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import clocks
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.probes import (
    CONNECT_SECONDS,
    PROBE_BODY,
    PROBE_KEY,
    S3_ENDPOINT,
    ProbeError,
    probe_clock,
)


def s3_client(endpoint: str, access_key: str, secret_key: str, region: str, *, direct: bool = False) -> Any:
    """A boto3 client that gives up quickly and never sends the checksums that other stores refuse.

    With `direct` a proxy that the environment names is passed by.
    """
    import boto3
    from botocore.config import Config

    settings: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS, "retries": {"total_max_attempts": 2},
        "request_checksum_calculation": "when_required", "response_checksum_validation": "when_required",
    }  # fmt: skip
    settings.update({"proxies": {}} if direct else {})
    try:
        config = Config(**settings)
    except TypeError:  # boto3 before 1.36 knows no such checksums
        config = Config(**{k: v for k, v in settings.items() if "checksum" not in k})
    return boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id=access_key, aws_secret_access_key=secret_key,
        region_name=region or "us-east-1", config=config,
    )  # fmt: skip


def probe_s3(client: Any, bucket: str, endpoint: str, viewpoint: str) -> None:
    """Put and get one fixed key of `bucket`; nothing is deleted, since a trainer may not.

    Raises:
        ProbeError: telling wrong key, wrong secret, missing bucket, denied and unreachable apart.
    """
    try:
        put = client.put_object(Bucket=bucket, Key=PROBE_KEY, Body=PROBE_BODY)
        found = client.get_object(Bucket=bucket, Key=PROBE_KEY)["Body"].read()
    except Exception as error:  # boto3's errors share no base class that could be named without importing it
        raise s3_problem(error, bucket, endpoint, viewpoint) from error
    probe_clock("the S3 store", viewpoint, _date(put))
    if found != PROBE_BODY:
        raise ProbeError(
            f"Failed to use the S3 store from the {viewpoint}: what was written to s3://{bucket}/{PROBE_KEY} at "
            f"{endpoint} reads differently.", "Is something between the run and the store changing bytes?",
        )  # fmt: skip


READ_SECONDS = 10  # twice, while somebody waits for the end of a run
_S3_CAUSES = {
    "InvalidAccessKeyId": ("it does not know the access key", "Set object_store_access_key to a key of this store."),
    "SignatureDoesNotMatch": ("the secret key is wrong", "Set object_store_secret_key to the secret of this key."),
    "NoSuchBucket": ("the bucket does not exist", "Name another by object_store_bucket; samerun up makes ours."),
    "AccessDenied": (
        "the key may not write and read there",
        "Give it s3:PutObject and s3:GetObject, or name its bucket by object_store_bucket; samerun up makes ours.",
    ),
    "AuthorizationHeaderMalformed": ("it expects another region", "Set object_store_region to its region."),
    "InvalidBucketName": ("no bucket can be called so", "Lower case, digits and hyphens fit object_store_bucket."),
    "404": ("what answers there is no S3 store", "Set object_store_endpoint to its S3 interface."),
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


def s3_problem(error: Exception, bucket: str, endpoint: str, viewpoint: str) -> ProbeError:
    """What boto3 raised, as one line."""
    response = getattr(error, "response", None) or {}  # some errors of a connection say None
    code = response.get("Error", {}).get("Code", "") or type(error).__name__
    if skewed := clocks.problem("the S3 store", viewpoint, _date(response)):
        return ProbeError(*skewed)
    cause, hint = _S3_CAUSES.get(code, (str(error) or code, "See the store's log."))
    where = f"Failed to use bucket {bucket} from the {viewpoint} ({S3_ENDPOINT}={endpoint})"
    return ProbeError(f"{where}: {cause.rstrip('.')}.", hint)


def _date(response: Any) -> Any:
    """The Date of what boto3 returned or raised."""
    return (response or {}).get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
