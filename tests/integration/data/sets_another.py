"""Its first attempt is in experiment 0, as if another launch had made the experiment in the same moment."""

import os
import sys
import time

import mlflow

again = os.path.exists(sys.argv[1])
if again:
    mlflow.set_experiment("made by another launch")
with mlflow.start_run(run_name="unlucky"):
    mlflow.log_metric("loss", 1)
    if not again:
        open(sys.argv[1], "w").close()
        print("epoch 1 of", os.path.basename(os.getcwd()), flush=True)
        time.sleep(60)
