from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import access
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import Api
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster

EVERYTHING = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}


def rules(*left_out: tuple[str, str]) -> list[dict[str, Any]]:
    """A rule for each resource that is needed, less some (resource, verb)."""
    found = []
    for (group, resource), verbs in access.VERBS.items():
        allowed = [verb for verb in verbs if (resource, verb) not in left_out]
        found.append({"apiGroups": [group], "resources": [resource], "verbs": allowed})
    return found


class Rules(Api):
    """An API server that gives `rules`, and allows one by one what `webhook` says (resource and verb)."""

    def __init__(self, given: list[dict[str, Any]], webhook: tuple[str, str], user: str) -> None:  # no kubeconfig
        self.given, self.webhook, self.user = given, webhook, user

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        if path.endswith("selfsubjectrulesreviews"):
            return {"status": {"resourceRules": self.given}}
        if path.endswith("selfsubjectreviews"):
            return {"status": {"userInfo": {"username": self.user}}}
        asked = (body or {})["spec"]["resourceAttributes"]
        return {"status": {"allowed": (asked["resource"], asked["verb"]) == self.webhook}}


class Fake(Cluster):
    """The cluster of `Rules`."""

    def __init__(self, given: list[dict[str, Any]], webhook: tuple[str, str] = ("", ""), user: str = "ann") -> None:
        self.api = Rules(given, webhook, user)


DENIED: dict[str, tuple[Fake, list[str]]] = {
    "nothing": (Fake(rules()), []),
    "nothing to an admin": (Fake([EVERYTHING]), []),
    "one verb": (Fake(rules(("jobs", "create"))), ["create jobs.batch"]),
    "of a subresource": (
        Fake(rules(("pods/log", "get"), ("pods/exec", "create"))),
        ["create pods/exec", "get pods/log"],
    ),
    "what a webhook allows": (Fake(rules(("jobs", "create")), ("jobs", "create")), []),
    "what is allowed for one object": (
        Fake([*rules(("secrets", "get")), {**EVERYTHING, "resourceNames": ["x"]}]),
        ["get secrets"],
    ),
}


@pytest.mark.parametrize("what", DENIED)
def test_each_verb_that_is_denied_is_named(what: str) -> None:
    cluster, denied = DENIED[what]
    assert access.denied(cluster, "training") == denied


def test_the_role_allows_all_that_is_asked_for_and_no_more() -> None:
    role, binding = access.role(Fake([]), "training")
    assert access.denied(Fake(role["rules"]), "training") == []
    verbs = {(rule["resources"][0], verb) for rule in role["rules"] for verb in rule["verbs"]}
    every = {
        (resource, v) for table in (access.VERBS, access.OPTIONAL) for (_g, resource), f in table.items() for v in f
    }
    assert verbs == every
    assert binding["roleRef"]["name"] == role["metadata"]["name"]


@pytest.mark.parametrize(
    "user, subject",
    [
        ("ann", {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ann"}),
        ("system:serviceaccount:team:bot", {"kind": "ServiceAccount", "namespace": "team", "name": "bot"}),
    ],
)
def test_the_role_is_bound_to_who_asks(user: str, subject: dict[str, str]) -> None:
    _role, binding = access.role(Fake([], user=user), "training")
    assert binding["subjects"] == [subject]
