"""Logs an artifact as it is imported, and says where to."""

import mlflow

mlflow.set_experiment("through MLflow")
with mlflow.start_run() as run:
    mlflow.log_text("written by a run that holds no key", "kept.txt")
print("artifacts at", run.info.artifact_uri, flush=True)
