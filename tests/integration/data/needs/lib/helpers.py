import boto3
from botocore.config import Config

HAVE_BOTO3 = bool(boto3 and Config)
