# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of a training."""

from __future__ import annotations

from ansible_collections.samerun.stack.plugins.module_utils.settings.setting import Role, Setting

_WHAT_RUNS = (
    Setting(
        "training_script", "str", "{{ role_path | dirname | dirname }}/trainer/train.py",
        "The script, relative to the current folder. The default is the example of the collection.",
    ),
    Setting("training_args", "list", [], "Its arguments.", elements="str"),
    Setting(
        "training_project", "str", "", "The project folder, which is sent with the script. Empty: the script's folder.",
    ),
    Setting("training_name", "str", "", "The name of its launches. Empty: the script's name."),
    Setting(
        "training_delivery", "str", "auto",
        "How the code gets to the target: `bundle` (a copy is sent), `mount` (the project folder itself is used), "
        "`image` (the code is built into an image), or `auto`.",
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
        "A Python interpreter on this host, or in the image. Empty: one is made from the requirements.",
    ),
    Setting(
        "training_image", "str", "",
        "An image that has everything the script imports. Empty: one is built from `training_base_image` and the "
        "requirements.",
    ),
    Setting("training_base_image", "str", "python:3.11-slim-bookworm", "The base image of that build."),
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
        "The Docker network that it joins; it must exist. Empty: the network of the world. `host`: the network of the "
        "host, or on Kubernetes of the node.",
    ),
    Setting(
        "training_env", "dict", {},
        "Environment variables for the script, which may be shown. Templates in them are evaluated, unless they are "
        "tagged `!unsafe`.",
        # The variables of `--env` are added. A value that is not a mapping stays as it is, to be refused later.
        value="{{ (training_env | combine(__samerun_env | default({})))"
        " if training_env is mapping else training_env }}",
    ),
    Setting(
        "training_secret_env", "dict", {},
        "Secret environment variables for the script. They are never shown or kept.",
        no_log=True,
    ),
    Setting(
        "training_volumes", "list", [],
        "Files to mount for the script, each `SOURCE:PATH` or `SOURCE:PATH:ro`, or a mapping of `source`, `path` and "
        "`read_only`. The source is a folder of this host, or the name of a volume; on Kubernetes the name of a claim.",
        elements="raw",
    ),
    Setting(
        "training_resources", "dict", {},
        "The resources of the script: `cpu` in cores, `memory` and `shm` such as `4Gi`, `gpu` as a number, as in "
        '`{cpu: "2", memory: 4Gi, shm: 1Gi, gpu: 1}`. A target refuses a resource that it cannot give.',
    ),
    Setting(
        "training_overlay", "dict", {},
        "Fields that are merged over the request to the engine, in its own format: of a Job, or of a Docker container.",
    ),
)  # fmt: skip

_ON_A_CLUSTER = (
    Setting("training_node_selector", "dict", {}, "Labels of the nodes that it may run on."),
    Setting(
        "training_tolerations", "list", [],
        "Taints that it tolerates, as Kubernetes writes them.", elements="dict",
    ),
    Setting("training_priority_class", "str", "", "Its priority class."),
    Setting(
        "training_service_account", "str", "", "Its service account; its token is mounted. Empty: no token is mounted.",
    ),
    Setting("training_queue", "str", "", "The queue of Kueue that admits it and then starts the Job. Empty: none."),
    Setting(
        "training_start_timeout", "int", 10,
        "For how many seconds to wait until a node takes the pod. 0: forever, for clusters that add nodes on demand.",
    ),
)  # fmt: skip

_LOST = (
    Setting(
        "training_retries", "int", 0,
        "How often it is started again after its process, container, pod or node was lost. It continues the same "
        "MLflow run.",
    ),
    Setting(
        "training_retry_failures", "bool", False, "Whether it is also started again after the script itself failed.",
    ),
    Setting(
        "training_timeout", "int", 0, "Its time limit in seconds, from the start of its first attempt. 0: none.",
    ),
)  # fmt: skip

_KEPT = (
    Setting(
        "training_outputs", "list", [],
        "Files in its working folder that are kept as artifacts and copied back to this host: patterns such as "
        "`plots/**` and `*.onnx`. A folder means all files in it.",
        elements="str",
    ),
    Setting("training_keep_code", "bool", False, "Whether the code that was sent is kept as an artifact too."),
    Setting(
        "training_record_failures", "bool", False,
        "Whether a failed launch without an MLflow run gets one in the experiment `samerun-failures`, which says how "
        "it ended.",
    ),
)  # fmt: skip

_WHEN = (
    Setting(
        "training_always",
        "bool",
        False,
        "Whether to train even if the same training has finished already, or is running.",
    ),
    Setting("training_detach", "bool", False, "Whether to return as soon as the launch is submitted."),
)

ROLE = Role(
    name="training",
    prefix="training_",
    option="training",
    about="What to train, and how.",
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
