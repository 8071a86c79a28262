# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

from ansible_collections.samerun.stack.plugins.module_utils.settings import options


class ModuleDocFragment:
    """The option `training`, made of the table of settings; JSON is YAML."""

    DOCUMENTATION = json.dumps(
        {
            "options": {
                "training": {
                    "description": [
                        "What is to be trained, and how.",
                        "The role P(samerun.stack.world#role) makes it of the inventory's variables as "
                        "C(__samerun_training).",
                    ],
                    "type": "dict",
                    "required": True,
                    "suboptions": options.documentation("training"),
                },
            },
        }
    )
