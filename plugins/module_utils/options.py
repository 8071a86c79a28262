# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Argument specs that several modules share; their documentation is in doc_fragments/."""

from __future__ import annotations

from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.settings import options

WORLD_SPEC: dict[str, Any] = {"world": {"type": "dict", "required": True, "options": options.argument_spec("world")}}

TRAINING_SPEC: dict[str, Any] = {
    "training": {"type": "dict", "required": True, "options": options.argument_spec("training")},
}

SERVICE_SPEC: dict[str, Any] = {
    "service": {
        "type": "dict",
        "required": True,
        "options": {
            "role": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str", "default": ""},
            "image": {"type": "str", "default": ""},
            "command": {"type": "list", "elements": "str", "required": True},
            "env": {"type": "dict", "default": {}},
            "ports": {"type": "list", "elements": "dict", "required": True},
            "data": {"type": "str", "required": True},
            "data_path": {"type": "str", "required": True},
            "data_size": {"type": "str", "default": "10Gi"},
            "data_class": {"type": "str", "default": ""},
            "secret_files": {"type": "dict", "default": {}},
            "health": {"type": "str", "required": True},
            "healthcheck": {"type": "list", "elements": "str", "default": []},
            "built": {"type": "bool", "default": False},
            "resources": {"type": "dict", "default": {}},
            "requirements": {"type": "list", "elements": "str", "default": []},
        },
    },
}
