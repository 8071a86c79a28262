"""Say what a script sees of the world around it, then track one number."""

import base64
import hashlib
import json
import os
import sys
import time
import urllib.parse
from pathlib import Path

SHOWN = ("MLFLOW_TRACKING_URI", "MLFLOW_S3_ENDPOINT_URL", "OBSERVE_COLOUR")


def visits():
    """Count the launches that came by before this one, in the training's own files."""
    if "OBSERVE_DATA" not in os.environ:
        return 0
    book = Path(os.environ["OBSERVE_DATA"]) / "visits.txt"
    before = book.read_text().splitlines() if book.exists() else []
    book.write_text("".join(f"{line}\n" for line in [*before, "a visit"]))
    return len(before)


variables = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "MLFLOW_", "OBSERVE_"))}
facts = {
    "arguments": sys.argv[1:],
    "digests": {name: hashlib.sha256(value.encode()).hexdigest() for name, value in variables.items()},
    "shown": {name: value for name, value in variables.items() if name in SHOWN},
    "visits": visits(),
}
print("observed", json.dumps(facts), flush=True)
for value in os.environ.values():
    print(value, base64.b64encode(f"user:{value}".encode()).decode(), urllib.parse.quote(value, safe=""), flush=True)
time.sleep(float(os.environ.get("OBSERVE_SECONDS", "0")))

import mlflow  # noqa: E402 - what is said above must not wait for it

mlflow.set_experiment("observed")
with mlflow.start_run():
    mlflow.log_metric("visits", facts["visits"])
sys.exit(int(os.environ.get("OBSERVE_EXIT", "0")))
