# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks before a launch what it may do in its namespace, and builds the smallest Role that allows all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import ApiError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster

# (group, resource) -> the verbs that starting, following, cancelling and collecting a launch need.
VERBS: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "configmaps"): ("create", "get", "patch"),
    ("", "secrets"): ("create", "get", "patch"),
    ("", "pods"): ("list", "watch"),
    ("", "pods/exec"): ("create", "get"),
    ("", "pods/log"): ("get",),
    ("batch", "jobs"): ("create", "delete", "get", "list", "patch"),
}
# They are useful but not required: for better reasons, for quotas before a launch, and to release a pod on a lost node.
OPTIONAL: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "events"): ("list",),
    ("", "pods"): ("delete", "patch"),
    ("", "resourcequotas"): ("list",),
}
_ROLE = "samerun-training"
_AUTHORIZATION = "apis/authorization.k8s.io/v1"


def denied(cluster: Cluster, namespace: str) -> list[str]:
    """Return the verbs of `VERBS` that our user may not use, such as `create jobs.batch`."""
    try:
        answer = cluster.api.call(
            "POST", f"{_AUTHORIZATION}/selfsubjectrulesreviews", {"spec": {"namespace": namespace}}
        )
    except ApiError:
        return []  # the question itself is refused: the real request will show it
    rules = answer["status"].get("resourceRules") or []
    # The rules do not list what an authorizer other than RBAC allows, so ask for the remaining verbs one by one.
    unknown = [one for one in _each(VERBS) if not any(_allows(rule, *one) for rule in rules)]
    return [_named(*one) for one in unknown if not _allowed(cluster, namespace, *one)]


def role(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    """Return a Role with every verb that training uses, and a RoleBinding that gives it to our user."""
    verbs = {key: sorted({*VERBS.get(key, ()), *OPTIONAL.get(key, ())}) for key in sorted({*VERBS, *OPTIONAL})}
    rules = [{"apiGroups": [group], "resources": [one], "verbs": found} for (group, one), found in verbs.items()]
    group = "rbac.authorization.k8s.io"
    head = {"apiVersion": f"{group}/v1", "metadata": {"name": _ROLE, "namespace": namespace}}
    reference = {"apiGroup": group, "kind": "Role", "name": _ROLE}
    return [
        {**head, "kind": "Role", "rules": rules},
        {**head, "kind": "RoleBinding", "roleRef": reference, "subjects": [_subject(_user(cluster))]},
    ]


def _each(verbs: Mapping[tuple[str, str], Sequence[str]]) -> Iterator[tuple[str, str, str]]:
    for (group, resource), found in verbs.items():
        for verb in found:
            yield group, resource, verb


def _allows(rule: Mapping[str, Any], group: str, resource: str, verb: str) -> bool:
    if rule.get("resourceNames"):
        return False
    wanted = {"apiGroups": group, "resources": resource, "verbs": verb}
    return all({"*", value} & set(rule.get(key) or []) for key, value in wanted.items())


def _allowed(cluster: Cluster, namespace: str, group: str, resource: str, verb: str) -> bool:
    name, _slash, sub = resource.partition("/")
    attributes = {"namespace": namespace, "group": group, "resource": name, "subresource": sub, "verb": verb}
    answer = cluster.api.call(
        "POST", f"{_AUTHORIZATION}/selfsubjectaccessreviews", {"spec": {"resourceAttributes": attributes}}
    )
    return bool(answer["status"].get("allowed"))


def _named(group: str, resource: str, verb: str) -> str:
    return f"{verb} {resource}{f'.{group}' if group else ''}"


def _user(cluster: Cluster) -> str:
    try:
        answer = cluster.api.call("POST", "apis/authentication.k8s.io/v1/selfsubjectreviews", {})
    except ApiError:
        return "YOUR-USER"
    return str(answer["status"]["userInfo"]["username"])


def _subject(user: str) -> dict[str, str]:
    parts = user.split(":")
    if parts[:2] == ["system", "serviceaccount"] and len(parts) == 4:
        return {"kind": "ServiceAccount", "namespace": parts[2], "name": parts[3]}
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
