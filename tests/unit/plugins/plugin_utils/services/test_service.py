"""What a role wants of its service is read once, with the ports that the world keeps."""

from __future__ import annotations

import samples

from ansible_collections.samerun.stack.plugins.module_utils.world import moved_key
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Claim, Port, Service

KEPT = {moved_key("object_store_port", 9000): 9003}


def test_a_claim_and_its_service_have_the_port_that_was_kept() -> None:
    (claimed,) = Claim.from_options(samples.claim_options(), KEPT).ports
    (served,) = Service.from_options(samples.service_options(), KEPT).ports
    assert claimed == served == Port("s3", 9003, "object_store_port", 30900, asked=9000)


def test_another_port_that_is_asked_for_leaves_the_kept_one_behind() -> None:
    asked = [{"name": "s3", "port": "9100", "variable": "object_store_port", "node_port": ""}]
    (port,) = Claim.from_options(samples.claim_options(ports=asked), KEPT).ports
    assert (port.port, port.node_port) == (9100, 0)


def test_what_is_set_to_nothing_is_no_limit() -> None:
    found = samples.service(resources={"cpu": 2, "memory": ""}, command=["x", 1], env={"N": 1})
    assert (found.resources, found.command, found.env) == ({"cpu": "2"}, ("x", "1"), {"N": "1"})


def test_keys_of_runs_are_those_of_the_world_where_runs_have_none() -> None:
    service = samples.service(secret_files={"runs": "${trainer_access_key}"})
    assert service.rendered_secrets(samples.KEYS.named)["runs"] == b"the access key"
    assert service.rendered_secrets(samples.PAIR.named)["runs"] == b"access key of runs"
