"""A validation policy: what it finds in plans, behind prefixes and inside program text, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from engine.errors import InputError
from engine.pipeline.guard import parse_validation_policy, violations
from engine.plan.load import load_plan

if TYPE_CHECKING:
    from engine.model.json import Json

POLICY = parse_validation_policy(
    yaml.safe_load(
        """
        kind: validation
        rules:
          - {id: disks, commands: ["mkfs*", dd, shutdown], reason: "disks are formatted by hand"}
          - {id: system, paths: [/etc/, /boot/*, "~/.ssh/"], reason: "the system's files are not ours"}
          - {id: outside, hosts: ["*.example.com"], reason: "no traffic to the outside"}
          - {id: no-powershell, step_types: [powershell], reason: "there is none here", severity: warning}
        """
    ),
    place="policy/house@1",
)


def _found(*steps: dict[str, Any]) -> list[str]:
    document = {
        "plan_id": "p",
        "params": {"disk": {"type": "string"}},
        "steps": [{"id": f"s{n}", **step} for n, step in enumerate(steps)],
    }
    plan = load_plan(yaml.safe_dump(document).encode(), name="p.yaml").plan

    def fill(value: Json) -> Any:
        return value.replace("{params.disk}", "/etc/fstab") if isinstance(value, str) else value

    found = violations(
        plan.steps, POLICY, fill=fill, workdir=Path("/srv/app"), plan_folder=Path("/srv/plans"), home="/home/o"
    )
    return [f"{one.rule.id} {one.what}" for one in found]


@pytest.mark.parametrize(
    ("command", "args", "found"),
    [
        ("mkfs.ext4", ["/dev/sdb"], ["disks mkfs.ext4"]),
        ("/usr/sbin/mkfs.xfs", ["/dev/sdb"], ["disks /usr/sbin/mkfs.xfs"]),
        ("sudo", ["-n", "shutdown", "-h", "now"], ["disks shutdown"]),
        ("sh", ["-c", "sync && dd if=/dev/zero of=x; true"], ["disks dd"]),
        ("bash", ["-euc", "if true; then X=1 shutdown; fi"], ["disks shutdown"]),
        ("cat", ["/etc/passwd"], ["system /etc/passwd"]),
        ("cat", ["../../etc/passwd"], ["system ../../etc/passwd"]),
        ("tar", ["--file=/etc/x.tar", "c"], ["system /etc/x.tar"]),
        ("sh", ["-c", "cat </etc/passwd"], ["system /etc/passwd"]),
        ("cp", ["~/.ssh/id_rsa", "x"], ["system ~/.ssh/id_rsa"]),
        ("cat", ["{params.disk}"], ["system /etc/fstab"]),
        ("echo", ["shutdown", "at", "noon"], []),
        ("grep", ["dd", "/srv/etc/x"], []),
        ("sh", ["-c", "echo mkfs is forbidden"], []),
        ("ls", ["/etcetera"], []),
    ],
)
def test_what_a_command_may_not_do(command: str, args: list[str], found: list[str]) -> None:
    assert _found({"command": command, "args": args}) == found


def test_other_types_of_steps() -> None:
    assert _found(
        {"step_def": {"type": "http", "url": "https://api.example.com/x"}},
        {"step_def": {"type": "file", "action": "write", "path": "/boot/grub.cfg", "content": ""}},
        {"step_def": {"type": "sql", "database": "../../etc/x.db", "query": "SELECT 1"}},
        {"step_def": {"type": "powershell", "script": "1"}},
        {"step_def": {"type": "http", "url": "http://127.0.0.1/"}},
    ) == [
        "outside api.example.com",
        "system /boot/grub.cfg",
        "system ../../etc/x.db",
        "no-powershell a step of type powershell",
    ]


def test_a_violation_says_step_word_rule_and_reason() -> None:
    plan = load_plan(b"{plan_id: p, steps: [{id: wipe, command: dd}]}", name="p.yaml").plan
    [found] = violations(
        plan.steps, POLICY, fill=lambda value: value, workdir=Path("/"), plan_folder=Path("/"), home="/root"
    )
    assert str(found) == "wipe: dd is forbidden by disks: disks are formatted by hand"


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([{"id": "a"}], "reason"),
        ([{"id": "a", "reason": "r"}], "forbids nothing"),
        ([{"id": "a", "reason": "r", "command": ["x"]}], "command"),
    ],
)
def test_a_policy_with_a_fault_is_refused_by_name(rules: list[Json], said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        parse_validation_policy({"kind": "validation", "rules": rules}, place="policy/house@2")
    assert refused.value.place == "policy/house@2"
