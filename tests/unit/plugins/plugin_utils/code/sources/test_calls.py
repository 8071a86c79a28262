from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.code import scripts
from ansible_collections.samerun.stack.plugins.plugin_utils.code.sources import checks

HEAD = "import os\nimport mlflow\n"
URI = "http://me:a-password@localhost:5000"
SETS = "the script itself sets"
TOLD = "with an address of its own overrides MLFLOW_TRACKING_URI"


def scan(root: Path, *texts: str) -> checks.Sources:
    for name, text in zip(("train.py", "config.py"), texts, strict=False):
        (root / name).write_text(text)
    return checks.scan(scripts.Script(root, "train.py"))


OVERRIDES: dict[str, tuple[str, str]] = {
    "a literal": (f"mlflow.set_tracking_uri('{URI}')", f"line 3: set_tracking_uri {TOLD}"),
    "by keyword": (f"mlflow.set_tracking_uri(uri='{URI}')", f"line 3: set_tracking_uri {TOLD}"),
    "a local folder": ("mlflow.set_tracking_uri('./mlruns')", f"line 3: set_tracking_uri {TOLD}"),
    "imported by name": (f"from mlflow import set_tracking_uri as s\ns('{URI}')", f"line 4: set_tracking_uri {TOLD}"),
    "by another name": (f"import mlflow as m\nm.set_tracking_uri('{URI}')", f"line 4: set_tracking_uri {TOLD}"),
    "the registry": (f"mlflow.set_registry_uri('{URI}')", f"line 3: set_registry_uri {TOLD}"),
    "a client": (f"mlflow.MlflowClient(tracking_uri='{URI}')", f"line 3: MlflowClient {TOLD}"),
    "an old client": (
        f"from mlflow.tracking import MlflowClient\nMlflowClient('{URI}')", f"line 4: MlflowClient {TOLD}",
    ),
    "a constant": (f"URI = '{URI}'\nmlflow.set_tracking_uri(URI)", f"line 4: set_tracking_uri {TOLD}"),
    "a typed constant": (f"URI: str = '{URI}'\nmlflow.set_tracking_uri(uri=URI)", f"line 4: set_tracking_uri {TOLD}"),
    "a constant of a class": (
        f"class Config:\n    URI = '{URI}'\nmlflow.set_tracking_uri(Config.URI)", f"line 5: set_tracking_uri {TOLD}",
    ),
    "in a function": (
        f"def main():\n    uri = '{URI}'\n    mlflow.set_tracking_uri(uri)", f"line 5: set_tracking_uri {TOLD}",
    ),
    "in a decorator": (
        f"def d(f):\n    def g():\n        mlflow.set_tracking_uri('{URI}')\n    return g\n@d\ndef h(): pass",
        f"line 5: set_tracking_uri {TOLD}",
    ),
    "by a decorator's argument": (
        f"def d(u):\n    def g(f):\n        mlflow.set_tracking_uri(u)\n        return f\n    return g\n@d('{URI}')\n"
        "def h(): pass",
        f"line 8: d {TOLD}",
    ),
    "by a default": (f"def s(a, u='{URI}'):\n    mlflow.set_tracking_uri(u)\ns(1)", f"line 5: s {TOLD}"),
    "the environment": ("os.environ['MLFLOW_TRACKING_URI'] = 'x'", f"line 3: {SETS} MLFLOW_TRACKING_URI"),
    "of an argument": ("os.environ['AWS_ACCESS_KEY_ID'] = args.key", f"line 3: {SETS} AWS_ACCESS_KEY_ID"),
    "by a name": (
        "from os import environ as e\ne['MLFLOW_TRACKING_URI'] = 'x'",
        f"line 4: {SETS} MLFLOW_TRACKING_URI",
    ),
    "by a variable": (
        "env = os.environ\nenv['MLFLOW_TRACKING_URI'] = 'x'", f"line 4: {SETS} MLFLOW_TRACKING_URI",
    ),
    "by a constant": (
        "N = 'MLFLOW_S3_ENDPOINT_URL'\nos.environ[N] = 'x'", f"line 4: {SETS} MLFLOW_S3_ENDPOINT_URL",
    ),
    "update": ("os.environ.update({'AWS_SECRET_ACCESS_KEY': 'x'})", f"line 3: {SETS} AWS_SECRET_ACCESS_KEY"),
    "update by keyword": (
        "os.environ.update(AWS_ACCESS_KEY_ID='x')", f"line 3: {SETS} AWS_ACCESS_KEY_ID",
    ),
    "update of dict()": (
        "os.environ.update(dict(AWS_ACCESS_KEY_ID='x'))", f"line 3: {SETS} AWS_ACCESS_KEY_ID",
    ),
    "update of a variable": (
        "new = {'AWS_ACCESS_KEY_ID': 'x'}\nos.environ.update(new)", f"line 4: {SETS} AWS_ACCESS_KEY_ID",
    ),
    "in place": ("os.environ |= {'AWS_ACCESS_KEY_ID': 'x'}", f"line 3: {SETS} AWS_ACCESS_KEY_ID"),
    "putenv": ("os.putenv('AWS_ACCESS_KEY_ID', 'x')", f"line 3: {SETS} AWS_ACCESS_KEY_ID"),
    "in a loop": (
        "for k, v in {'AWS_ACCESS_KEY_ID': 'x'}.items():\n    os.environ[k] = v",
        f"line 4: {SETS} AWS_ACCESS_KEY_ID",
    ),
    "removed": ("del os.environ['AWS_ACCESS_KEY_ID']", "line 3: the script itself removes AWS_ACCESS_KEY_ID"),
    "popped": ("os.environ.pop('AWS_ACCESS_KEY_ID', None)", "line 3: the script itself removes AWS_ACCESS_KEY_ID"),
}  # fmt: skip


@pytest.mark.parametrize("how", OVERRIDES)
def test_an_override_of_the_contract_is_told_by_line_and_variable(tmp_path: Path, how: str) -> None:
    text, told = OVERRIDES[how]
    assert scan(tmp_path, HEAD + text + "\n").overrides == (f"train.py, {told}",)


def test_all_four_at_once_are_four(tmp_path: Path) -> None:
    names = ("MLFLOW_TRACKING_URI", "MLFLOW_S3_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    found = scan(tmp_path, HEAD + f"os.environ.update({dict.fromkeys(names, 'x')})\n").overrides
    assert [name for name in names if not any(name in line for line in found)] == []
    assert len(found) == 4


@pytest.mark.parametrize("imported", ["import config", "def f(): import config", "from config import URI"])
def test_an_override_in_a_neighbour_names_the_neighbour(tmp_path: Path, imported: str) -> None:
    found = scan(tmp_path, imported, HEAD + f"URI = '{URI}'\nmlflow.set_tracking_uri(URI)\n")
    assert found.overrides == (f"config.py, line 4: set_tracking_uri {TOLD}",)


@pytest.mark.parametrize(
    "text",
    [
        "import config\nmlflow.set_tracking_uri(config.URI)",
        "from config import URI\nmlflow.set_tracking_uri(URI)",
        "from config import Settings as S\nmlflow.set_tracking_uri(S.URI)",
        "from config import setup\nsetup('http://x')",
    ],
)
def test_an_address_from_a_neighbour_is_one_too(tmp_path: Path, text: str) -> None:
    neighbour = f"import mlflow\nURI = '{URI}'\nclass Settings:\n    URI = '{URI}'\n"
    neighbour += "def setup(uri): mlflow.set_tracking_uri(uri)\n"
    (line,) = scan(tmp_path, HEAD + text, neighbour).overrides
    assert line.startswith("train.py, line 4: ")


FINE = [
    "mlflow.set_tracking_uri(os.getenv('MLFLOW_TRACKING_URI', 'http://localhost:5000'))",
    "mlflow.set_tracking_uri(os.environ['MLFLOW_TRACKING_URI'])",
    "mlflow.set_tracking_uri(os.environ.get('MLFLOW_TRACKING_URI') or 'http://localhost:5000')",
    "URI = os.getenv('MLFLOW_TRACKING_URI', 'http://x')\nmlflow.set_tracking_uri(URI)",
    "mlflow.set_tracking_uri(args.uri)",
    "mlflow.set_tracking_uri('')",
    "mlflow.set_tracking_uri(None)",
    "URI = 'a'\nif x:\n    URI = os.getenv('MLFLOW_TRACKING_URI')\nmlflow.set_tracking_uri(URI)",
    "URI = 'a'\ndef f(URI): mlflow.set_tracking_uri(URI)\n",
    "for URI in ['a']: mlflow.set_tracking_uri(URI)",
    "mlflow.MlflowClient()",
    "other.set_tracking_uri('http://x')",
    "os.environ.setdefault('MLFLOW_TRACKING_URI', 'http://localhost:5000')",
    "os.environ['MLFLOW_TRACKING_URI'] = os.getenv('MLFLOW_TRACKING_URI', 'http://localhost:5000')",
    "uri = os.environ.get('MLFLOW_TRACKING_URI', 'x')\nos.environ['MLFLOW_TRACKING_URI'] = uri",
    "if 'MLFLOW_TRACKING_URI' not in os.environ:\n    os.environ['MLFLOW_TRACKING_URI'] = 'x'",
    "if not os.getenv('MLFLOW_TRACKING_URI'):\n    os.environ['MLFLOW_TRACKING_URI'] = 'x'",
    "try:\n    os.environ['AWS_ACCESS_KEY_ID']\nexcept KeyError:\n    os.environ['AWS_ACCESS_KEY_ID'] = 'x'",
    "os.environ['EPOCHS'] = '3'\nos.environ.update({'A': 'b'}, C='d')\nos.environ.update(other)\ndel os.environ['A']",
    "config['MLFLOW_TRACKING_URI'] = 'x'",
    "a = b\nb = a\na['MLFLOW_TRACKING_URI'] = mlflow.set_tracking_uri(a)",
    "x = " + " + ".join(["'a'"] * 800),
]


@pytest.mark.parametrize("text", FINE)
def test_what_asks_the_environment_is_no_override(tmp_path: Path, text: str) -> None:
    assert scan(tmp_path, HEAD + text + "\n").overrides == ()


def test_the_example_that_comes_along_is_clean(root: Path) -> None:
    found = checks.scan(scripts.Script(root / "trainer", "train.py"))
    assert (found.overrides, found.lenient, found.hints) == ((), False, {})
    assert "sklearn.datasets:load_digits" in found.imports
    assert found.log_model.startswith("train.py, line ")


# ---- models without an example --------------------------------------------------------------

MODELS: dict[str, tuple[str, bool]] = {
    "plain": ("mlflow.pytorch.log_model(m, 'model')", True),
    "by name": ("mlflow.pytorch.log_model(m, name='model')", True),
    "imported": ("from mlflow.pytorch import log_model\nlog_model(m, 'model')", True),
    "by another name": ("import mlflow.pytorch as mp\nmp.log_model(m, 'model')", True),
    "with nothing as an example": ("mlflow.pytorch.log_model(m, 'model', input_example=None)", True),
    "under a Ctrl+C": ("try:\n    mlflow.pytorch.log_model(m, 'x')\nexcept KeyboardInterrupt: pass", True),
    "saved": ("mlflow.pytorch.save_model(m, 'model')", True),
    "with an example": ("mlflow.pytorch.log_model(m, 'model', input_example=x)", False),
    "with an example by place": ("mlflow.pytorch.log_model(m, 'a', None, None, None, None, None, x)", False),
    "pickled": ("mlflow.pytorch.log_model(m, 'model', serialization_format='pickle')", False),
    "with who knows what": ("mlflow.pytorch.log_model(m, 'model', **more)", False),
    "of another flavour": ("mlflow.sklearn.log_model(m, 'model')", False),
    "where it may fail": ("try:\n    mlflow.pytorch.log_model(m, 'x')\nexcept Exception: pass", False),
    "by version": ("if mlflow.__version__ < '3.14':\n    mlflow.pytorch.log_model(m, 'x')", False),
}


@pytest.mark.parametrize("how", MODELS)
def test_a_torch_model_without_an_example_is_found(tmp_path: Path, how: str) -> None:
    text, found = MODELS[how]
    assert bool(scan(tmp_path, HEAD + text + "\n").log_model) is found
