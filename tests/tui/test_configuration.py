"""The configuration file: what it says, and everything that can be wrong with it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from engine.errors import ExitCode, InputError
from engine.model.states import RunStatus
from tui.commands import main
from tui.configuration import (
    ConfigurationError,
    configuration_schema,
    load_configuration,
    parse_configuration,
)
from tui.configuration_path import configuration_path

PATH = Path("/etc/config.toml")


def faults(text: str | bytes) -> list[tuple[str, str, int | None, str]]:
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(ConfigurationError) as refused:
        parse_configuration(content, PATH)
    return [(fault.message, fault.path, fault.line, fault.hint) for fault in refused.value.faults]


def test_where_it_is() -> None:
    assert configuration_path({"OPSCOPE_CONFIG": "/x/y.toml", "HOME": "/h"}) == Path("/x/y.toml")
    assert configuration_path({"XDG_CONFIG_HOME": "/c", "HOME": "/h"}) == Path("/c/opscope/config.toml")
    assert configuration_path({"XDG_CONFIG_HOME": "relative", "HOME": "/h"}) == Path("/h/.config/opscope/config.toml")


def test_hooks() -> None:
    text = b'[on]\nfailed = ["notify", "--team", "ops"]\nquarantined = ["~/bin/wake", ""]\n'
    on = parse_configuration(text, PATH).on
    found = {status: on.command_for(status) for status in RunStatus}
    assert found == {
        **dict.fromkeys(RunStatus, None),
        RunStatus.FAILED: ("notify", "--team", "ops"),
        RunStatus.QUARANTINED: ("~/bin/wake", ""),
    }


@pytest.mark.parametrize("text", [b"", b"# nothing\n", b"[on]\n"])
def test_nothing_is_configured(text: bytes) -> None:
    assert parse_configuration(text, PATH).on.failed is None


def test_every_fault_at_once_with_its_place() -> None:
    text = """\
colour = "red"

[on]
faild = ["x"]
paused = "notify"
failed = []

quarantined = ["a", 3]
"""
    assert faults(text) == [
        ("unknown key 'colour'", "colour", 1, "there is on"),
        ("unknown key 'faild'", "on.faild", 4, "did you mean 'failed'?"),
        ("expected a list of texts, found the text 'notify'", "on.paused", 5, 'write ["notify"]'),
        ("expected a list of texts, found an empty list", "on.failed", 6, 'write ["program", "argument"]'),
        ("expected a text, found the number 3", "on.quarantined[1]", 8, "every word of a command is a text in quotes"),
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("on = 3", ("expected a table, found the number 3", "on", 1, "write [on] and below it failed = [...]")),
        ("[[on]]\n", ("expected a table, found a list of 1", "on", 1, "write [on] and below it failed = [...]")),
        ('on.failed = [" "]', ("the first text names no program", "on.failed", 1, 'write ["program", "argument"]')),
        (
            '["on"]\n"paused" = ["a\\u0000"]',
            ("a text has a NUL character in it, which no program can be given", "on.paused", 2, "take it out"),
        ),
        ("[on]\nx.y.z = 1", ("unknown key 'x'", "on.x", 1, "there are failed, paused, quarantined")),
        ("a = [1,\nb", ("invalid value", "", 2, "the file is TOML")),
        ("[on]\nfailed = [", ("invalid value at the end of the file", "", None, "the file is TOML")),
        ("on = 1\non = 2", ("cannot overwrite a value at the end of the file", "", None, "the file is TOML")),
        (b"a = 1\nb = '\xff'", ("this is not UTF-8 text", "", 2, "")),
        ("a = " + "[" * 5000, ("it is nested too deeply", "", None, "")),
    ],
)
def test_a_fault(text: str | bytes, fault: tuple[str, str, int | None, str]) -> None:
    assert faults(text) == [fault]


def test_faults_as_a_person_reads_them() -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_configuration(b'[on]\nfaild = ["x"]\npaused = 1\n', PATH)
    assert refused.value.cause == "2 faults in the configuration"
    assert refused.value.exit_code is ExitCode.BAD_INPUT
    assert refused.value.hint == "mend the file, or leave it out for once: OPSCOPE_CONFIG=/dev/null"
    assert refused.value.place == (
        "/etc/config.toml:2: unknown key 'faild'  [on.faild]\n"
        "  did you mean 'failed'?\n"
        "/etc/config.toml:3: expected a list of texts, found the number 1  [on.paused]\n"
        '  write ["program", "argument"]'
    )
    assert str(refused.value) == (
        "2 faults in the configuration: /etc/config.toml:2: unknown key 'faild'; "
        "/etc/config.toml:3: expected a list of texts, found the number 1"
    )


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    loaded = load_configuration({"HOME": str(tmp_path)})
    assert loaded.settings.on.failed is None
    assert loaded.folder == tmp_path / ".config" / "opscope"


def test_a_file_is_loaded_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text('[on]\nfailed = ["notify"]\n')
    loaded = load_configuration({"OPSCOPE_CONFIG": str(path)})
    assert (loaded.settings.on.failed, loaded.folder) == (("notify",), tmp_path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    def refused(path: Path) -> InputError:
        with pytest.raises(InputError) as error:
            load_configuration({"OPSCOPE_CONFIG": str(path)})
        return error.value

    assert refused(tmp_path / "missing.toml").cause == "there is no such configuration file"
    assert "take it out to have the defaults" in refused(tmp_path / "missing.toml").hint
    assert refused(tmp_path).cause == "this is a folder, not a configuration file"
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * ((1 << 20) + 1))
    assert refused(large).cause == "the configuration is larger than 1 MB"
    assert refused(large / "below").cause == "the configuration cannot be read: Not a directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "secret.toml"
    path.write_text("")
    path.chmod(0)
    with pytest.raises(InputError, match="Permission denied"):
        load_configuration({"OPSCOPE_CONFIG": str(path)})


def test_the_schema_says_what_may_stand_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    schema = configuration_schema()
    assert main(["schema", "config"]) == 0
    assert json.loads(capsys.readouterr().out) == schema
    assert schema["additionalProperties"] is False
    assert set(schema["$defs"]["Hooks"]["properties"]) == {"failed", "paused", "quarantined"}
