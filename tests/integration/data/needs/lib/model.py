import mlflow

from .helpers import HAVE_BOTO3

VERSION = mlflow.__version__ if HAVE_BOTO3 else ""
