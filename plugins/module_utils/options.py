# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Argument specs that several modules share; doc_fragments/ has their documentation."""

from __future__ import annotations

from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.settings import options

# The part of a service that other code needs: to use it, to plan it, or to find it.
DECLARED: dict[str, Any] = {
    "role": {"type": "str", "required": True},
    "title": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "default": ""},
    "used": {"type": "bool", "default": True},
    "endpoint": {"type": "str", "default": ""},
    "example": {"type": "str", "default": ""},
    "scheme": {"type": "str", "default": "http"},
    "ports": {"type": "list", "elements": "dict", "required": True},
    "data": {"type": "str", "required": True},
    "built": {"type": "bool", "default": False},
    "kind": {"type": "str", "default": ""},
    "chosen_by": {"type": "str", "default": ""},
    "targets": {"type": "list", "elements": "str", "required": True},
    "needs": {"type": "list", "elements": "str", "default": []},
    "secrets": {"type": "dict", "default": {}, "no_log": False},
}

WORLD_SPEC: dict[str, Any] = {
    "world": {
        "type": "dict",
        "required": True,
        "options": {
            **options.argument_spec("world"),
            "services": {"type": "list", "elements": "dict", "required": True, "options": DECLARED},
        },
    },
}

TRAINING_SPEC: dict[str, Any] = {
    "training": {"type": "dict", "required": True, "options": options.argument_spec("training")},
}

SERVICE_SPEC: dict[str, Any] = {
    "service": {
        "type": "dict",
        "required": True,
        "options": {
            **DECLARED,
            "image": {"type": "str", "default": ""},
            "command": {"type": "list", "elements": "str", "required": True},
            "env": {"type": "dict", "default": {}},
            "data_path": {"type": "str", "required": True},
            "data_size": {"type": "str", "default": "10Gi"},
            "data_class": {"type": "str", "default": ""},
            "secret_files": {"type": "dict", "default": {}},
            "health": {
                "type": "dict",
                "required": True,
                "options": {
                    "http": {"type": "str", "default": ""},
                    "port": {"type": "str", "default": ""},
                    "tcp": {"type": "str", "default": ""},
                    "command": {"type": "list", "elements": "str", "default": []},
                },
            },
            "diagnoses": {"type": "list", "elements": "dict", "default": []},
            "resources": {"type": "dict", "default": {}},
            "requirements": {"type": "list", "elements": "str", "default": []},
        },
    },
}
