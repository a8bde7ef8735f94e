"""What of the host's environment a step sees."""

from __future__ import annotations

from engine.steps.environment import base_environment

HOST = {
    "PATH": "/bin",
    "HOME": "/home/op",
    "LANG": "C",
    "LC_ALL": "C.UTF-8",
    "LC_": "odd",
    "LCX": "no",
    "TZ": "UTC",
    "SECRET_TOKEN": "no",
    "PROXY": "p",
    "SSH_AUTH_SOCK": "/no",
    "LD_PRELOAD": "no",
}


def test_only_the_short_list_and_what_the_plan_names() -> None:
    assert base_environment(HOST, ["PROXY", "NOT_THERE"]) == {
        "PATH": "/bin",
        "HOME": "/home/op",
        "LANG": "C",
        "LC_ALL": "C.UTF-8",
        "LC_": "odd",
        "TZ": "UTC",
        "PROXY": "p",
    }


def test_the_order_does_not_depend_on_the_host() -> None:
    assert list(base_environment(dict(reversed(HOST.items())), [])) == list(base_environment(HOST, []))
