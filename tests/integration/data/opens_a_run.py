"""Opens an MLflow run, and leaves it as the first argument says."""

import os
import sys
import time

import mlflow

mlflow.set_experiment("conformance")
run = mlflow.start_run(run_name="left open")
mlflow.log_param("how", sys.argv[1])
mlflow.log_metric("loss", 0.25, step=1)
with open("left.txt", "w") as left:
    left.write(sys.argv[1])
print("run is open", flush=True)
if sys.argv[1] == "exit":
    sys.exit(3)  # MLflow's own handler says FINISHED
if sys.argv[1] == "leave":
    os._exit(0)  # MLflow goes on saying RUNNING
# What no signal to a group or a session reaches.
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    print("and a daemon", flush=True)
    time.sleep(120)
    os._exit(0)  # MLflow's handler is the parent's
time.sleep(120)
