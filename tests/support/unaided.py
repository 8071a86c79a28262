"""The first lines of scripts that open or continue an MLflow run without MLflow's client.

They start quickly, and need only Python in an image. After them, `again` says whether the script continues a run, and
`ended()` ends the run.
"""

from __future__ import annotations

BEGINS = """
import json, os, time, urllib.request

def call(path, body):
    url = os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/" + path
    asked = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return json.load(answer)

def ended():
    call("runs/update", {"run_id": run, "status": "FINISHED", "end_time": int(time.time() * 1000)})

tags = [{"key": key, "value": value} for key, value in json.loads(os.environ["MLFLOW_RUN_CONTEXT"]).items()]
run = again = os.environ.get("MLFLOW_RUN_ID", "")
run = run or call("runs/create", {"experiment_id": "0", "tags": tags})["run"]["info"]["run_id"]
"""
