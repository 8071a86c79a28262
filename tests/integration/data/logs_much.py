"""Logs more than a node of a cluster keeps of a log, and lives long enough for it to throw the rest away."""

import time

import mlflow

with mlflow.start_run(run_name="talks"):
    for number in range(150_000):
        print(f"{number:099d}")
    time.sleep(15)  # a node looks every ten seconds
print("the end")
