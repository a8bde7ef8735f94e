"""Python functions, PowerShell scripts, requests and sub-plans as commands to paste, each as near to its attempt as a shell comes."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from tui.viewmodel.shell_text import list_in, object_in, packed, program_lines, shell_word, without_end

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject
    from store.rows import AttemptRow
    from tui.viewmodel.shell_text import Secrets, Surroundings

# What the child of a python step does, as far as it matters to the function: how it is found, called and waited for.
_BEGIN: Final = """
import asyncio, importlib, json, sys
name, given, *folders = sys.argv[1:]
sys.argv[:] = [name]
sys.path[:] = folders + [folder for folder in sys.path if folder]
place, _, dotted = name.rpartition(":")
"""
_FROM_MODULE: Final = "found = importlib.import_module(place)\n"
_FROM_FILE: Final = """\
import importlib.machinery, importlib.util, pathlib
loader = importlib.machinery.SourceFileLoader("opscope_step_" + pathlib.Path(place).stem, place)
found = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
sys.modules[loader.name] = found
loader.exec_module(found)
"""
_CALL: Final = """\
for part in dotted.split("."):
    found = getattr(found, part)
value = found(**json.loads(given))
async def result():
    return await value
print(json.dumps(asyncio.run(result()) if hasattr(value, "__await__") else value, indent=2))
"""
_POWERSHELL: Final = ("-NoLogo", "-NoProfile", "-NonInteractive", "-Command")
_QUOTES: Final = "'\u2018\u2019\u201a\u201b"  # all of them end a text between single quotes there
_SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")


def python_call(
    definition: JsonObject, attempt: AttemptRow, around: Surroundings, secrets: Secrets, *, ascii_only: bool
) -> str:
    """The same interpreter, callable and arguments (as JSON), the same folders first on the path; the result is printed."""
    place, _, name = str(definition.get("callable")).rpartition(":")
    folders = [posixpath.join(around.plan_folder, str(folder)) for folder in ["", *list_in(definition.get("path"))]]
    is_file = place.endswith(".py") or "/" in place
    if is_file:
        place = posixpath.join(around.plan_folder, place)
        folders.insert(0, posixpath.dirname(place))
    program = _BEGIN + (_FROM_FILE if is_file else _FROM_MODULE) + _CALL
    given = json.dumps(object_in(definition.get("args")), ensure_ascii=ascii_only)
    words = ["-u", "-c", program, f"{place}:{name}", given, *dict.fromkeys(map(without_end, folders))]
    interpreter, cwd = str(definition.get("interpreter")), definition.get("cwd")
    return program_lines(interpreter, words, cwd, attempt, around, secrets, ascii_only=ascii_only)


def powershell_script(
    definition: JsonObject, attempt: AttemptRow, around: Surroundings, secrets: Secrets, *, ascii_only: bool
) -> str:
    """The script with its named arguments as PowerShell's own literals, and its exit code."""
    file = definition.get("file")
    if isinstance(file, str):
        code = powershell_literal(posixpath.join(around.plan_folder, file))
    else:
        code = f"{{\n{str(definition.get('script') or '').rstrip()}\n}}"
    given = powershell_literal(definition.get("args") or {})
    text = (
        f"\n$given = {given}\n& {code} @given\n$worked = $?\n"
        "if ($LASTEXITCODE) { exit $LASTEXITCODE }\nif (-not $worked) { exit 1 }\n"
    )
    interpreter, cwd = str(definition.get("interpreter")), definition.get("cwd")
    return program_lines(interpreter, [*_POWERSHELL, text], cwd, attempt, around, secrets, ascii_only=ascii_only)


def powershell_literal(value: Json) -> str:
    """A value as PowerShell reads it."""
    match value:
        case None:
            return "$null"
        case bool():
            return "$true" if value else "$false"
        case int() | float():
            return repr(value)
        case str():
            return "'" + "".join(character * 2 if character in _QUOTES else character for character in value) + "'"
        case list():
            return "@(" + ", ".join(powershell_literal(item) for item in value) + ")"
        case dict():
            pairs = (f"{powershell_literal(name)} = {powershell_literal(item)}" for name, item in value.items())
            return "@{ " + "; ".join(pairs) + " }" if value else "@{}"


def http_request(definition: JsonObject, attempt: AttemptRow, secrets: Secrets, *, ascii_only: bool) -> str:
    """The request for curl, which shows the headers of the answer too. No file of settings and no proxy takes part, as in a step."""

    def quoted(text: str) -> str:
        return shell_word(text, ascii_only=ascii_only)

    method, body = str(definition.get("method") or "GET"), definition.get("body")
    headers = {name: str(value).strip(" \t") for name, value in object_in(definition.get("headers")).items()}
    words = ["curl", "-q", "-sS", "--globoff", "--compressed", "--noproxy", quoted("*"), "--user-agent", "opscope"]
    words += ["--head"] if method == "HEAD" else ["--include"]
    # With a body curl sends POST by itself, and turns it into GET where a redirect asks for that; a method that is named stays.
    if method not in ("GET", "HEAD", "POST") or (method == "GET" and body is not None):
        words.append(f"--request {method}")
    if isinstance(hops := definition.get("max_redirects"), int) and hops:
        words.append(f"--location --max-redirs {hops}")
    if definition.get("verify_tls") is False:
        words.append("--insecure")
    if isinstance(seconds := attempt.starting.get("timeout_sec"), int | float):
        words.append(f"--max-time {seconds:g}")
    known = {name.lower() for name in headers}
    added: dict[str, str] = {}
    if method not in _SAFE_METHODS and "idempotency-key" not in known:
        added["Idempotency-Key"] = str(attempt.starting.get("idempotency_key") or "")
    if body is not None and "content-type" not in known:
        added["Content-Type"] = "text/plain; charset=utf-8" if isinstance(body, str) else "application/json"
    if body is None and method == "POST" and "content-type" not in known:
        words.append("--header 'Content-Type:'")  # the one that curl would add is taken away
    words += [f"--header {secrets.in_header(name, value, ascii_only=ascii_only)}" for name, value in headers.items()]
    words += [f"--header {quoted(f'{name}: {value}')}" for name, value in added.items()]
    if body is not None or method == "POST":
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body, separators=(",", ":"))
        words.append(f"--data-raw {quoted(text)}")
    words.append(quoted(address_of(definition)))
    return " \\\n  ".join(packed(words))


def address_of(definition: JsonObject) -> str:
    """The address with the parameters of `query`: a list gives one for each of its values, null none."""
    pairs: list[tuple[str, str]] = []
    for name, value in object_in(definition.get("query")).items():
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                text = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False, separators=(",", ":"))
                pairs.append((name, text))
    address = str(definition.get("url")).partition("#")[0]
    if not pairs:
        return address
    separator = "" if address.endswith(("?", "&")) else "&" if "?" in address else "?"
    return address + separator + urlencode(pairs, errors="replace")


def sub_plan(definition: JsonObject, around: Surroundings, *, ascii_only: bool) -> str:
    """The plan as a run of its own."""

    def quoted(text: str) -> str:
        return shell_word(text, ascii_only=ascii_only)

    plan = str(definition.get("plan"))
    if "/" in plan or plan.endswith((".yaml", ".yml", ".json")):
        plan = posixpath.normpath(posixpath.join(around.plan_folder, plan))
    words = [f"cd {quoted(without_end(around.workdir))} && opscope run {quoted(plan)}"]
    for name, value in object_in(definition.get("params")).items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=ascii_only)
        words.append(f"-p {quoted(f'{name}={text}')}")
    return " \\\n  ".join(packed(words))
