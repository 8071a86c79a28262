"""Tells what it sees as a line of JSON in hex, then does what PROBE says. It knows only the standard library."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import signal
import sys
import time

MARK = "PROBE "


def kind(path: str) -> str:
    """What lies at `path`, so that two trees can be compared."""
    if os.path.islink(path):
        return f"link to {os.readlink(path)}"
    with open(path, "rb") as content:
        digest = hashlib.sha256(content.read()).hexdigest()
    return f"{'executable' if os.access(path, os.X_OK) else 'file'} {digest}"


def tree() -> dict[str, str]:
    found = {}
    for folder, folders, names in os.walk("."):
        for name in names + [name for name in folders if os.path.islink(os.path.join(folder, name))]:
            path = os.path.join(folder, name)
            found[os.path.relpath(path)] = kind(path)
    return found


def memory_limit() -> int:
    """Bytes that the cgroup of this process may use, by its version 2 or 1; 0 where there is no limit to see."""
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        if os.path.exists(path):
            with open(path) as limit:
                text = limit.read().strip()
            return int(text) if text.isdigit() else 0
    return 0


def cpu_limit() -> float:
    """Cores that the cgroup of this process may use; 0.0 where there is no limit to see."""
    if os.path.exists("/sys/fs/cgroup/cpu.max"):
        with open("/sys/fs/cgroup/cpu.max") as limit:
            quota, period = limit.read().split()
        return int(quota) / int(period) if quota.isdigit() else 0.0
    base = "/sys/fs/cgroup/cpu/cpu.cfs_"
    if not os.path.exists(base + "quota_us"):
        return 0.0
    with open(base + "quota_us") as quota_us, open(base + "period_us") as period_us:
        return max(0, int(quota_us.read())) / int(period_us.read())


def write(path: str, text: str) -> str:
    try:
        with open(path, "w") as out:
            out.write(text)
    except OSError as error:
        return type(error).__name__
    return "written"


def read(path: str) -> str:
    with open(path) as content:
        return content.read()


def interrupted(number: int, _frame: object) -> None:
    print(f"got signal {number}", flush=True)
    sys.exit(128 + number)


def say_time(text: str) -> None:
    print(f"{text} {time.time()}", flush=True)


def main() -> None:
    plan = json.loads(os.environ.get("PROBE", "{}"))
    dump = {
        "args": sys.argv[1:],
        "environ": dict(os.environ),
        "cwd": os.getcwd(),
        "tree": tree(),
        "new_file": write("made by the script", ""),
        "memory_limit": memory_limit(),
        "cpu_limit": cpu_limit(),
        "wrote": {path: write(path, text) for path, text in plan.get("write", {}).items()},
        "read": {path: read(path) for path in plan.get("read", [])},
    }
    # In hex: a log shows no secret, and this one holds them all.
    print(MARK + json.dumps(dump).encode().hex(), flush=True)
    for module in plan.get("import", []):
        importlib.import_module(module)
    if "sleep" in plan:
        say_time("first line at")
        time.sleep(plan["sleep"])
        say_time("last line at")
    if "wait" in plan:
        if plan.get("daemon") and os.fork() == 0:  # what no signal to a group or a session reaches
            os.setsid()
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                time.sleep(plan["wait"])
            os._exit(0)
        signal.signal(signal.SIGTERM, interrupted)
        print("waiting", flush=True)
        time.sleep(plan["wait"])
    if "signal" in plan:
        os.kill(os.getpid(), plan["signal"])
    sys.exit(plan.get("exit", 0))


if __name__ == "__main__":
    main()
