"""Opens an MLflow run as MLflow's client would, by the REST interface alone, and works for some seconds.

With an argument it works for long and says which signal it gets: `heed` then ends at once, `ignore` goes on.
"""

import json
import os
import signal
import sys
import time
import urllib.request


def call(path, body):
    url = f"{os.environ['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/{path}"
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=30) as answer:
        return json.loads(answer.read())


def caught(number, _frame):
    print("got", signal.Signals(number).name, flush=True)
    if sys.argv[1] == "heed":
        sys.exit(7)


for number in (signal.SIGINT, signal.SIGTERM) if sys.argv[1:] else ():
    signal.signal(number, caught)
tags = json.loads(os.environ["MLFLOW_RUN_CONTEXT"])
run = call("runs/create", {"experiment_id": "0", "tags": [{"key": k, "value": v} for k, v in tags.items()]})
print("run is open", run["run"]["info"]["run_id"], flush=True)
time.sleep(300 if sys.argv[1:] else float(os.environ.get("SECONDS", "4")))
call("runs/update", {"run_id": run["run"]["info"]["run_id"], "status": "FINISHED", "end_time": int(time.time() * 1000)})
print("run is closed", flush=True)
