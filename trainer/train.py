"""Train a small ResNet on handwritten digits and track it with MLflow."""

import os

import mlflow
import mlflow.pytorch
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 5
LEARNING_RATE = 0.001

MLFLOW_TRACKING_URI = os.getenv("MLFLOW_TRACKING_URI", "http://localhost:5000")


class ResidualBlock(nn.Module):
    def __init__(self, channels_in, channels_out, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(),
            nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
        )
        self.shortcut = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride, bias=False),
                nn.BatchNorm2d(channels_out),
            )

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


class ResNet8(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            ResidualBlock(16, 16, stride=1),
            ResidualBlock(16, 32, stride=2),
            ResidualBlock(32, 64, stride=2),
        )
        self.classifier = nn.Linear(64, classes)

    def forward(self, x):
        return self.classifier(self.features(x).mean(dim=(2, 3)))


def load_data():
    digits = load_digits()
    images = torch.tensor(digits.images).unsqueeze(1) / 16
    labels = torch.tensor(digits.target)
    return DataLoader(TensorDataset(images, labels), batch_size=64, shuffle=True)


def train_epoch(model, loader, optimizer, criterion):
    model.train()
    total = 0.0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
    return total / len(loader.dataset)


def main():
    # One seed, one thread and double precision: the same losses on every machine.
    torch.manual_seed(42)
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)

    mlflow.set_tracking_uri(MLFLOW_TRACKING_URI)
    mlflow.set_experiment("image-classification")

    loader = load_data()
    model = ResNet8()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    criterion = nn.CrossEntropyLoss()

    with mlflow.start_run(run_name="resnet50-exp1"):
        mlflow.log_param("model_name", "resnet8")
        mlflow.log_param("learning_rate", LEARNING_RATE)

        for epoch in range(EPOCHS):
            train_loss = train_epoch(model, loader, optimizer, criterion)
            mlflow.log_metric("train_loss", train_loss, step=epoch)
            print(f"epoch {epoch + 1}/{EPOCHS}: train_loss {train_loss:.4f}")

        model.float().eval()
        mlflow.pytorch.log_model(model, "model")


if __name__ == "__main__":
    main()
