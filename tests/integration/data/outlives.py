"""Logs to MLflow and to the store at once while both are away; ends well if both were heard in the end.

With `in silence` it ends while they are away, and tells MLflow nothing.
"""

import os
import socket
import sys
import threading
import time
from urllib.parse import urlsplit

import mlflow

problems = []


def keep() -> None:
    try:
        mlflow.log_text("kept in spite of it", "kept.txt", run_id=run.info.run_id)
    except BaseException as error:
        problems.append(error)


def is_away(name: str) -> bool:
    there = urlsplit(os.environ[name])
    try:
        socket.create_connection((there.hostname, there.port), timeout=5).close()
    except OSError:
        return True
    return False


with mlflow.start_run(run_name=sys.argv[1]) as run:
    mlflow.log_metric("before", 1)
    mlflow.log_text("kept", "before.txt")
    print("ready", flush=True)
    while not (is_away("MLFLOW_TRACKING_URI") and is_away("MLFLOW_S3_ENDPOINT_URL")):
        time.sleep(0.2)
    if sys.argv[1] == "in silence":
        os._exit(0)
    upload = threading.Thread(target=keep)
    upload.start()
    mlflow.log_metric("in spite of it", 1)
    print("metric logged", flush=True)
    upload.join()
    if problems:
        raise problems[0]
