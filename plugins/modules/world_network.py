#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: world_network
short_description: Create the network of a world on its Docker engine
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Creates the network of a world, with the world's labels, unless it exists.
  - Even if several processes create it at the same moment, only one stays. Engines before Docker 25 allow two networks
    of one name, and then cannot start a container in either.
extends_documentation_fragment:
  - samerun.stack.action
  - samerun.stack.world
"""

EXAMPLES = r"""
- name: Create the network
  samerun.stack.world_network:
    world: "{{ __samerun_world }}"
"""

RETURN = r"""
{}
"""

from ansible_collections.samerun.stack.plugins.module_utils.options import WORLD_SPEC

ARGUMENT_SPEC = WORLD_SPEC
