"""A validation policy: what it finds in plans, behind prefixes and inside program text, and what it leaves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from engine.errors import InputError
from engine.pipeline.guard import Guard, Surroundings, parse_validation_policy
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
LINKS = {"/srv/app/lnk": "/etc", "/srv/app/inner": "/srv/app/sub", "/home/o": "/users/o", "/boot": "/mnt/boot"}


def _resolve(path: str) -> str:
    """As links of a file system would; each of them is absolute."""
    at = ""
    for part in path.split("/"):
        if part == "..":
            at = at.rpartition("/")[0]
        elif part not in ("", "."):
            at = LINKS.get(f"{at}/{part}", f"{at}/{part}")
    return at or "/"


GUARD = Guard((("policy/house@1", POLICY),), Surroundings("/srv/app", "/srv/plans", "/home/o", _resolve))


def _found(*steps: dict[str, Any]) -> list[str]:
    document = {
        "plan_id": "p",
        "params": {"disk": {"type": "string"}},
        "steps": [{"id": f"s{n}", **step} for n, step in enumerate(steps)],
    }
    plan = load_plan(yaml.safe_dump(document).encode(), name="p.yaml").plan

    def fill(value: Json) -> Any:
        return value.replace("{params.disk}", "/etc/fstab") if isinstance(value, str) else value

    found = GUARD.violations(plan.steps, fill)
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
        ("cat", ["//etc/x"], ["system //etc/x"]),
        ("cat", ["///etc/x"], ["system ///etc/x"]),
        ("cat", ["/./etc//x"], ["system /./etc//x"]),
        ("cat", ["lnk/f"], ["system lnk/f"]),
        ("ls", ["lnk"], ["system lnk"]),
        ("cat", ["inner/f", "inner"], []),
        ("cat", ["inner/../lnk/f"], ["system inner/../lnk/f"]),
        ("cat", ["/users/o/.ssh/id_rsa"], ["system /users/o/.ssh/id_rsa"]),
        ("cat", ["/mnt/boot/grub.cfg"], ["system /mnt/boot/grub.cfg"]),
        ("rm", ["-r", "/etc"], ["system /etc"]),
        ("rm", ["-r", "/boot"], ["system /boot"]),
        (
            "curl",
            ["-d", "@/etc/x", "file:///etc/y"],
            ["system /etc/x", "system ///etc/y"],
        ),
        ("docker", ["-v", "/etc:/mnt"], ["system /etc"]),
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
    [found] = GUARD.violations(plan.steps, lambda value: value)
    assert str(found) == "wipe: dd is forbidden by policy/house@1, rule disks: disks are formatted by hand"


def test_words_are_relative_to_the_folder_that_the_step_works_in() -> None:
    assert _found({"step_def": {"type": "command", "command": "cat", "args": ["./etc/x"], "cwd": "/"}}) == [
        "system ./etc/x"
    ]


@pytest.mark.parametrize(
    ("forbidden", "host", "is_found"),
    [
        ("api.example.com", "API.Example.com.", True),
        ("API.example.com.", "api.example.com", True),
        ("*.example.com", "api.EXAMPLE.com.", True),
        ("127.0.0.1", "127.1", True),
        ("127.0.0.1", "2130706433", True),
        ("127.0.0.1", "0x7f.1", True),
        ("127.0.0.1", "[::ffff:127.0.0.1]", True),
        ("127.0.0.1", "[::1]", True),
        ("127.0.0.1", "localhost", True),
        ("localhost", "127.0.0.1", True),
        ("127.*", "2130706433", True),
        ("10.0.0.1", "[::ffff:a00:1]", True),
        ("[fd00::1]", "[fd00:0:0::1]", True),
        ("b\u00fccher.example", "xn--bcher-kva.example", True),
        ("[a-c]pi.example.com", "api.example.com", True),
        ("api.example.com", "%61pi.example.com", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("example.com", "example.com.org", False),
        ("example.com", "1.2.3.4.5", False),
    ],
)
def test_a_host_is_found_in_every_spelling(forbidden: str, host: str, is_found: bool) -> None:
    rules: list[Json] = [{"id": "out", "reason": "no", "hosts": [forbidden]}]
    policy = parse_validation_policy({"kind": "validation", "rules": rules}, place="policy/h@1")
    plan = load_plan(
        yaml.safe_dump(
            {"plan_id": "p", "steps": [{"id": "get", "step_def": {"type": "http", "url": f"http://{host}/x"}}]}
        ).encode(),
        name="p.yaml",
    ).plan
    found = Guard((("policy/h@1", policy),), GUARD.at).violations(plan.steps, lambda value: value)
    assert bool(found) is is_found


def test_a_long_word_is_cut_in_what_is_said() -> None:
    word = f"/etc/{'x' * 5000}"
    document = {"plan_id": "p", "steps": [{"id": "read", "command": "cat", "args": [word]}]}
    plan = load_plan(yaml.safe_dump(document).encode(), name="p.yaml").plan
    [found] = GUARD.violations(plan.steps, lambda value: value)
    assert (found.what, len(str(found)) < 400) == (word, True)
    assert "xxx… is forbidden by policy/house@1" in str(found)


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
