"""What a step's process finds in its environment: the few host variables that pass, and what marks an attempt. Nothing else leaks in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.steps.census import COOKIE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.ports import AttemptSpec
    from engine.steps.secrets import SecretBox

IDEMPOTENCY_VARIABLE = "OPSCOPE_IDEMPOTENCY_KEY"

_PASSED = frozenset(["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR"])
_PASSED_PREFIX = "LC_"


def base_environment(host_env: Mapping[str, str], env_from_host: Iterable[str]) -> dict[str, str]:
    """The host's variables that every step gets: a fixed short list, and those that the plan names.

    A named variable that the host does not have is left out. What `globals.env` and the step add comes on top.
    """
    wanted = _PASSED.union(env_from_host)
    return {
        name: value for name, value in sorted(host_env.items()) if name in wanted or name.startswith(_PASSED_PREFIX)
    }


def attempt_environment(spec: AttemptSpec, secrets: SecretBox) -> dict[str, str]:
    """The complete environment of one attempt's process, secrets as text. Raises InputError for an unknown secret.

    The cookie marks every process of the attempt, so a plan cannot set it; a process that is meant to outlive its step
    has to be started without it and in a session of its own.
    """
    environment = {name: secrets.reveal(value) for name, value in spec.environment.items()}
    environment[IDEMPOTENCY_VARIABLE] = spec.idempotency_key
    environment[COOKIE_VARIABLE] = spec.cookie
    return environment
