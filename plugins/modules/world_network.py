#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: world_network
short_description: Make the network of a world on its Docker engine
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Makes the network of a world, unless it is there, with the labels by which it is known as the world's.
  - However many make it at the same moment, there is one in the end. Engines before Docker 25 let there be two of one
    name, and then start no container in either.
extends_documentation_fragment:
  - samerun.stack.action
  - samerun.stack.world
"""

EXAMPLES = r"""
- name: Make the network
  samerun.stack.world_network:
    world: "{{ __samerun_world }}"
"""

RETURN = r"""
{}
"""

from ansible_collections.samerun.stack.plugins.module_utils.options import WORLD_SPEC

ARGUMENT_SPEC = WORLD_SPEC
