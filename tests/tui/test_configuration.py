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
        ("unknown key 'colour'", "colour", 1, "there are on, llm, ui, keymap"),
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
    assert set(schema["$defs"]["Llm"]["required"]) == {"base_url", "model"}
    assert set(schema["$defs"]["Hooks"]["properties"]) == {"failed", "paused", "quarantined"}


LLM = b"""
[llm]
base_url = "https://models.example/v1/"
model = "small"
api_key_env = "MODEL_KEY"
timeout_sec = 2.5
max_tokens = 200
"""


def test_a_language_model() -> None:
    llm = parse_configuration(LLM, PATH).llm
    assert llm is not None
    found = llm.endpoint({"MODEL_KEY": "sk-1234567890"})
    assert (found.base_url, found.model, found.api_key) == ("https://models.example/v1/", "small", "sk-1234567890")
    assert (found.timeout_sec, found.max_tokens, found.missing_key) == (2.5, 200, "")
    assert "sk-1234567890" not in repr(found)
    missing = llm.endpoint({}).missing_key
    assert missing == "MODEL_KEY is not set, which should hold the key of the model's endpoint"
    odd = llm.endpoint({"MODEL_KEY": "sk-\n12345"})
    assert (odd.api_key, odd.missing_key) == ("", "MODEL_KEY holds what cannot be a key")


def test_a_language_model_without_a_key() -> None:
    llm = parse_configuration(b"llm = {base_url = 'http://127.0.0.1:8080/v1', model = 'small'}", PATH).llm
    assert llm is not None
    found = llm.endpoint({"MODEL_KEY": "x"})
    assert (found.api_key, found.timeout_sec, found.max_tokens, found.missing_key) == ("", 10.0, 1000, "")
    assert parse_configuration(b"", PATH).llm is None


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "[::1]:8080"])
def test_a_key_may_go_to_this_host_in_the_open(host: str) -> None:
    text = f"llm = {{base_url = 'http://{host}/v1', model = 'm', api_key_env = 'K'}}"
    assert parse_configuration(text.encode(), PATH).llm is not None


URL = "base_url = 'https://m.example/v1'"
_EXAMPLE = 'write base_url = "http://127.0.0.1:8080/v1", for example'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "llm = 3",
            (
                "expected a table, found the number 3",
                "llm",
                1,
                'write [llm] and below it base_url = "..." and model = "..."',
            ),
        ),
        ("[llm]\nmodel = 'm'", ("base_url is missing", "llm.base_url", 1, _EXAMPLE)),
        (f"[llm]\n{URL}", ("model is missing", "llm.model", 1, 'write model = "..."')),
        (
            "[llm]\nmodel = 'm'\nbase_url = 'm.example'",
            ("expected the address of an endpoint, found the text 'm.example'", "llm.base_url", 3, _EXAMPLE),
        ),
        (
            "[llm]\nmodel = 'm'\nbase_url = 'https://me:pw@m.example'",
            (
                "the address has a user, a query or a fragment in it",
                "llm.base_url",
                3,
                "a key belongs in a variable: api_key_env = NAME",
            ),
        ),
        (
            "[llm]\nmodel = 'm'\nbase_url = 'http://m.example'\napi_key_env = 'K'",
            ("the key would go over the network for all to read", "llm", 1, "use https, or an endpoint on this host"),
        ),
        (
            f"[llm]\n{URL}\nmodel = 'm'\napi_key_env = 'sk-1234'",
            ("expected the name of a variable", "llm.api_key_env", 4, "the key itself does not stand in this file"),
        ),
        (
            f"[llm]\n{URL}\nmodel = 'm'\ntimeout_sec = 0",
            ("expected seconds, more than 0 and at most 600, found the number 0", "llm.timeout_sec", 4, ""),
        ),
        (
            f"[llm]\n{URL}\nmodel = 'm'\nmax_tokens = true",
            ("expected a whole number from 16 to 100000, found true", "llm.max_tokens", 4, ""),
        ),
        (
            f"[llm]\n{URL}\nmodel = ''",
            ("expected a text, found an empty text", "llm.model", 3, ""),
        ),
        (
            f"[llm]\n{URL}\nmodel = 'm'\napi_key = 'x'",
            (
                "unknown key 'api_key'",
                "llm.api_key",
                4,
                "there are base_url, model, api_key_env, timeout_sec, max_tokens",
            ),
        ),
    ],
)
def test_a_fault_of_the_language_model(text: str, fault: tuple[str, str, int | None, str]) -> None:
    assert faults(text) == [fault]
