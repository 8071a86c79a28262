"""Imports in every way there is; nothing of it may be refused where MLflow and boto3 are installed."""

from typing import TYPE_CHECKING

import lib.model
from lib import helpers

try:
    import absent_and_optional
except ImportError:
    absent_and_optional = None

if TYPE_CHECKING:
    from absent_for_a_type_checker import Something


def later() -> "Something":
    import absent_in_a_function

    return absent_in_a_function.Something()


print(lib.model.VERSION, helpers.HAVE_BOTO3, absent_and_optional)
