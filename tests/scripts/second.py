"""Fit a line; every address and key comes from the environment alone."""

import os

import boto3
import mlflow
import mlflow.pytorch
import torch
from torch import nn

EPOCHS = 3
LEARNING_RATE = 0.1

s3 = boto3.client(
    "s3",
    endpoint_url=os.environ["MLFLOW_S3_ENDPOINT_URL"],
    aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
    aws_secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
)

torch.manual_seed(0)
torch.set_num_threads(1)

x = torch.linspace(-1, 1, 64).unsqueeze(1)
y = 3 * x + 2
model = nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)

mlflow.set_experiment("my-experiment")

with mlflow.start_run():
    mlflow.log_param("lr", LEARNING_RATE)

    for epoch in range(EPOCHS):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        mlflow.log_metric("loss", loss.item(), step=epoch)

    mlflow.pytorch.log_model(model, "model")
