from __future__ import annotations

import yaml

from ansible_collections.samerun.stack.plugins.module_utils.options import DECLARED
from ansible_collections.samerun.stack.plugins.module_utils.settings import SETTINGS, options


def test_an_option_has_the_spec_of_its_setting() -> None:
    spec = options.argument_spec("training")
    assert spec["args"] == {"type": "list", "elements": "str", "default": []}
    assert spec["secret_env"]["no_log"] is True
    assert spec["delivery"]["choices"] == ["auto", "bundle", "mount", "image"]


def test_what_a_role_computes_must_be_given_to_a_module() -> None:
    assert options.argument_spec("training")["script"] == {"type": "str", "required": True}


def test_settings_may_lie_in_an_option_of_another_role() -> None:
    world = options.argument_spec("world")
    assert world["training_namespace"]["default"] == "training"


def test_what_roles_alone_read_is_in_no_option() -> None:
    assert SETTINGS["mlflow_version"].option == ""
    assert "version" not in options.argument_spec("world")["mlflow"]["options"]


def test_what_a_data_file_says_of_its_service_is_said_there_alone() -> None:
    world = options.argument_spec("world")
    for role in ("mlflow", "object_store"):
        assert world[role]["options"].keys() & DECLARED.keys() == set()


def test_a_fragment_may_document_what_is_no_setting() -> None:
    found = yaml.safe_load(options.fragment("world", services={"type": "list"}))["options"]["world"]["suboptions"]
    assert found == {**options.documentation("world"), "services": {"type": "list"}}


def test_documentation_marks_code_as_ansible_does() -> None:
    said = options.documentation("training")["delivery"]["description"]
    assert "C(bundle)" in said[0]
    assert "`" not in said[0]


def test_options_with_settings_in_them_come_last_and_say_what_they_are() -> None:
    found = options.documentation("world")
    assert list(found)[-2:] == ["object_store", "mlflow"]
    assert found["mlflow"]["description"] == ["The settings of MLflow alone."]
    assert found["mlflow"]["suboptions"]["artifact_mode"]["type"] == "str"


def test_a_fragment_documents_one_option_and_says_where_it_comes_from() -> None:
    ((name, found),) = yaml.safe_load(options.fragment("training"))["options"].items()
    assert (name, found["required"]) == ("training", True)
    assert "C(__samerun_training)" in found["description"][1]
    assert found["suboptions"] == options.documentation("training")
