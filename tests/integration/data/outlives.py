"""Logs to MLflow and to the store at once, once something tells it to; ends well if both were heard in the end."""

import os
import sys
import threading
import time

import mlflow

mlflow.set_experiment("outages")
problems = []


def keep() -> None:
    try:
        mlflow.log_text("kept in spite of it", "kept.txt", run_id=run.info.run_id)
    except BaseException as error:
        problems.append(error)


with mlflow.start_run(run_name=sys.argv[1]) as run:
    mlflow.log_metric("before", 1)
    mlflow.log_text("kept", "before.txt")
    print("ready", flush=True)
    started = time.monotonic()
    while not os.path.exists(sys.argv[2]) and time.monotonic() - started < 120:
        time.sleep(0.1)
    upload = threading.Thread(target=keep)
    upload.start()
    mlflow.log_metric("in spite of it", 1)
    print("metric logged", flush=True)
    upload.join()
    if problems:
        raise problems[0]
