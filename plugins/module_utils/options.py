# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Argument specs that several modules share; their documentation is in doc_fragments/world.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.contract import DIRECT, MODES

# What a service is for others: who uses it, plans it or looks for it needs no more.
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

_WORLD: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "target": {"type": "str", "required": True},
    "state_dir": {"type": "str", "default": ""},
    "bind": {"type": "str", "default": "127.0.0.1"},
    "docker_host": {"type": "str", "default": ""},
    "network": {"type": "str", "default": "samerun"},
    "registry": {"type": "str", "default": ""},
    "context": {"type": "str", "default": ""},
    "kubeconfig": {"type": "str", "default": ""},
    "node_address": {"type": "str", "default": ""},
    "port_forward": {"type": "bool", "default": False},
    "training_namespace": {"type": "str", "default": "training"},
    "pull_secrets": {"type": "list", "elements": "str", "default": []},
    "services": {"type": "list", "elements": "dict", "required": True, "options": DECLARED},
    "mlflow": {
        "type": "dict",
        "required": True,
        "options": {
            "artifact_mode": {"type": "str", "default": DIRECT, "choices": list(MODES)},
            "username": {"type": "str", "default": "", "no_log": True},
            "password": {"type": "str", "default": "", "no_log": True},
            "token": {"type": "str", "default": "", "no_log": True},
        },
    },
    "object_store": {
        "type": "dict",
        "required": True,
        "options": {
            "bucket": {"type": "str", "default": "mlflow-artifacts"},
            "region": {"type": "str", "default": "us-east-1"},
            "access_key": {"type": "str", "default": "", "no_log": True},
            "secret_key": {"type": "str", "default": "", "no_log": True},
        },
    },
}

WORLD_SPEC: dict[str, Any] = {"world": {"type": "dict", "required": True, "options": _WORLD}}

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
