# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of a training."""

from __future__ import annotations

from ansible_collections.samerun.stack.plugins.module_utils.settings.setting import Role, Setting

_WHAT_RUNS = (
    Setting(
        "training_script", "str", "{{ role_path | dirname | dirname }}/trainer/train.py",
        "The script, relative to the caller's folder. The default is the example that comes with the collection.",
    ),
    Setting("training_args", "list", [], "Its arguments.", elements="str"),
    Setting("training_project", "str", "", "The folder that travels with it. Empty: the script's own."),
    Setting("training_name", "str", "", "What its launches are called. Empty: the script's name."),
    Setting(
        "training_delivery", "str", "auto",
        "How the code gets there: `bundle` (it travels), `mount` (the project folder itself), `image` (built into "
        "one), or `auto`.",
        choices=("auto", "bundle", "mount", "image"),
    ),
)  # fmt: skip

_IN_WHAT = (
    Setting(
        "training_requirements", "str", "",
        "Its requirements file. Empty: `requirements.txt` of the project, else MLflow and boto3.",
    ),
    Setting(
        "training_python", "str", "",
        "An interpreter of this host, or in the image. Empty: one made of the requirements.",
    ),
    Setting(
        "training_image", "str", "",
        "A ready image that has what the script imports. Empty: one built of the requirements, from "
        "`training_base_image`.",
    ),
    Setting("training_base_image", "str", "python:3.11-slim-bookworm", "What an image is built from."),
)  # fmt: skip

_WHERE = (
    Setting(
        "training_target", "str", "",
        "Where it runs: `process`, `docker` or `kubernetes`. Empty: where the services of the world run.",
    ),
    Setting(
        "training_namespace", "str", "training", "The namespace that its Jobs run in.",
        option="world.training_namespace",
    ),
    Setting(
        "training_network", "str", "",
        "The Docker network that it joins; it must be there. Empty: the one of the world. `host`: the host's own, on "
        "Kubernetes that of a node.",
    ),
    Setting(
        "training_env", "dict", {},
        "Variables for the script, which may be shown. What looks like a template is one, unless it is tagged "
        "`!unsafe`.",
        # `--env` of the command is added; what is no mapping stays as it is, and is refused by its name.
        value="{{ (training_env | combine(__samerun_env | default({})))"
        " if training_env is mapping else training_env }}",
    ),
    Setting(
        "training_secret_env", "dict", {}, "Variables for the script that appear nowhere but in its environment.",
        no_log=True,
    ),
    Setting(
        "training_volumes", "list", [],
        "Files for the script, each `SOURCE:PATH` or `SOURCE:PATH:ro`, or a mapping of `source`, `path` and "
        "`read_only`. The source is a folder of this host, or the name of a volume; on Kubernetes the name of a claim.",
        elements="raw",
    ),
    Setting(
        "training_resources", "dict", {},
        "What it gets: `cpu` in cores, `memory` and `shm` such as `4Gi`, `gpu` as a number, as in "
        '`{cpu: "2", memory: 4Gi, shm: 1Gi, gpu: 1}`. What a target cannot give it refuses.',
    ),
    Setting(
        "training_overlay", "dict", {},
        "What is merged over the native request, in the engine's own words: of a Job, of a container of Docker.",
    ),
)  # fmt: skip

_ON_A_CLUSTER = (
    Setting("training_node_selector", "dict", {}, "Labels of the nodes that it may run on."),
    Setting(
        "training_tolerations", "list", [],
        "Taints that it tolerates, as Kubernetes writes them.", elements="dict",
    ),
    Setting("training_priority_class", "str", "", "Its priority class."),
    Setting("training_service_account", "str", "", "Its service account; the token is mounted. Empty: none is."),
    Setting("training_queue", "str", "", "The queue of Kueue that admits it and then starts the Job. Empty: none."),
    Setting(
        "training_start_timeout", "int", 10,
        "How long, in seconds, a pod that no node takes is waited for. 0: for ever, as where nodes are made on demand.",
    ),
)  # fmt: skip

_LOST = (
    Setting(
        "training_retries", "int", 0,
        "How often it is started again after its process, container, pod or node was lost, with the same MLflow run.",
    ),
    Setting("training_retry_failures", "bool", False, "Whether a failure of the script itself counts as well."),
    Setting(
        "training_timeout", "int", 0, "Its time limit in seconds, from the start of its first attempt. 0: none.",
    ),
)  # fmt: skip

_KEPT = (
    Setting(
        "training_outputs", "list", [],
        "Files below its working folder that are kept as artifacts and come back here, as patterns such as "
        "`plots/**` and `*.onnx`. A folder stands for all in it.",
        elements="str",
    ),
    Setting("training_keep_code", "bool", False, "Whether the code, as it travelled, is kept as an artifact too."),
    Setting(
        "training_record_failures", "bool", False,
        "Whether a launch that started no MLflow run gets one that says how it ended, in `samerun-failures`.",
    ),
)  # fmt: skip

_WHEN = (
    Setting("training_always", "bool", False, "Whether to train although the same was trained already, or runs."),
    Setting("training_detach", "bool", False, "Whether to return as soon as it is submitted."),
)

ROLE = Role(
    name="training",
    prefix="training_",
    option="training",
    about="What is to be trained, and how.",
    sections={
        "What runs": _WHAT_RUNS,
        "Interpreter or image": _IN_WHAT,
        "Where, and with what": _WHERE,
        "On a cluster": _ON_A_CLUSTER,
        "When something is lost": _LOST,
        "What is kept with its MLflow run": _KEPT,
        "When": _WHEN,
    },
)
