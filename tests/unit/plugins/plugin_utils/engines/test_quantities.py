from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines import quantities


@pytest.mark.parametrize(
    "quantity, expected",
    [("1024", 1024), ("1k", 1000), ("512Mi", 2**29), ("1.5Gi", 3 * 2**29), ("2G", 2 * 10**9), ("1Ti", 2**40)],
)
def test_memory_is_read(quantity: str, expected: int) -> None:
    assert quantities.memory_bytes(quantity) == expected


@pytest.mark.parametrize(
    "quantity, expected", [("2", 2 * 10**9), ("500m", 5 * 10**8), ("0.5", 5 * 10**8), ("1.5", 15 * 10**8)]
)
def test_cpu_is_read(quantity: str, expected: int) -> None:
    assert quantities.cpu_nanos(quantity) == expected


@pytest.mark.parametrize("quantity", ["", "lots", "512 Mi", "512MB", "-1Gi", "1e3", "Gi"])
def test_what_is_no_memory_is_refused(quantity: str) -> None:
    with pytest.raises(SamerunError, match=r"memory quantity .*512Mi or 2Gi"):
        quantities.memory_bytes(quantity)


@pytest.mark.parametrize("quantity", ["", "all", "-1", "1k", "500 m"])
def test_what_is_no_cpu_is_refused(quantity: str) -> None:
    with pytest.raises(SamerunError, match=r"CPU quantity .*2 or 500m"):
        quantities.cpu_nanos(quantity)


@pytest.mark.parametrize("quantity", ["", "0", "-1", "0.5", "all", "1k"])
def test_what_is_no_number_of_gpus_is_refused(quantity: str) -> None:
    with pytest.raises(SamerunError, match=r"GPU quantity .*Write 1 or 2"):
        quantities.docker_limits({"gpu": quantity})


@pytest.mark.parametrize(
    "resources, limits",
    [
        ({}, {}),
        ({"cpu": "1"}, {"NanoCpus": 10**9}),
        ({"memory": "1Ki"}, {"Memory": 1024, "MemorySwap": 1024}),
        ({"shm": "1Mi"}, {"ShmSize": 2**20}),
        ({"gpu": "2"}, {"DeviceRequests": [{"Count": 2, "Capabilities": [["gpu"]]}]}),
    ],
)
def test_limits_are_those_that_are_asked_for(resources: dict[str, str], limits: dict[str, Any]) -> None:
    assert quantities.docker_limits(resources) == limits


def test_a_resource_that_is_not_known_is_named() -> None:
    with pytest.raises(SamerunError, match=r"training_resources: memroy is not known.*cpu, memory, gpu, shm"):
        quantities.docker_limits({"cpu": "1", "memroy": "1Gi"})
