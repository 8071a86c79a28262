"""Logs an artifact as it is imported, and says where to."""

import os

import mlflow

mlflow.set_experiment(os.environ.get("EXPERIMENT", "artifacts"))
with mlflow.start_run() as run:
    mlflow.log_text("written by a run that holds no key", "kept.txt")
print("artifacts at", run.info.artifact_uri, flush=True)
