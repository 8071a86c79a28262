"""Opens an MLflow run as MLflow's client would, by the REST interface alone, and works for some seconds."""

import json
import os
import time
import urllib.request


def call(path, body):
    url = f"{os.environ['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/{path}"
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=30) as answer:
        return json.loads(answer.read())


tags = json.loads(os.environ["MLFLOW_RUN_CONTEXT"])
run = call("runs/create", {"experiment_id": "0", "tags": [{"key": k, "value": v} for k, v in tags.items()]})
print("run is open", run["run"]["info"]["run_id"], flush=True)
time.sleep(float(os.environ.get("SECONDS", "4")))
call("runs/update", {"run_id": run["run"]["info"]["run_id"], "status": "FINISHED", "end_time": int(time.time() * 1000)})
print("run is closed", flush=True)
