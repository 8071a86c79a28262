"""Leaves files, secrets in its log, an open run and a failure."""

import base64
import os
import sys

import mlflow

os.makedirs("plots/deep")
with open("plots/deep/größe 1.txt", "w") as plot:
    plot.write("plot")
with open("model.bin", "wb") as model:
    model.write(bytes(range(256)))
mlflow.set_experiment("kept")
mlflow.start_run(run_name="fails")
mlflow.log_metric("loss", 0.25)
secrets = [value for name, value in os.environ.items() if name == "OF_THE_USER" or "SECRET" in name or "KEY" in name]
for value in secrets:
    print(value, base64.b64encode(value.encode()).decode(), repr(value))
print(f"left {len(secrets)} secrets", flush=True)
sys.exit(3)
