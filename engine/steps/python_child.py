"""What runs in the child interpreter of a python step. Handed over as text: the standard library of 3.8 only, nothing of ours.

The same words for exceptions and for results that are no JSON serve tools, which run in this process.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import linecache
import math
import os
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

OWN_FILE = "<opscope>"
FIRST_FRAMES = 10
LAST_FRAMES = 30
MAX_CAUSES = 5
MAX_TEXT = 10_000
MAX_DEPTH = 200
MAX_BITS = 14_000


class UnfitResultError(Exception):
    """A result that cannot be kept as JSON; the text says where and what to do."""


def describe_exception(error: BaseException, own_file: str = OWN_FILE) -> dict[str, Any]:
    """An exception as data: type, message, traceback (outermost call first), cause. Frames of `own_file` are left out."""
    return _described(error, own_file, MAX_CAUSES)


def encode_result(value: object) -> str:
    """A result as JSON in ASCII. Raises UnfitResultError that names the place of what JSON has no word for."""
    try:
        return json.dumps(value, allow_nan=False)
    except RecursionError:
        raise UnfitResultError(f"the result is nested deeper than {MAX_DEPTH} levels") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise UnfitResultError(_why_unfit(value) or f"the result cannot be written as JSON: {error}") from None


def main(content: bytes, result: int) -> None:
    """Call what the request names and write the report to the descriptor `result`."""
    owner = os.getpid()
    os.set_inheritable(result, False)
    identity = _identity(result)
    request = json.loads(content)
    sys.argv = [request["callable"]]
    sys.path[:0] = request["path"]
    leave: BaseException | None = None
    try:
        report = _returned(_call(request), request["max_bytes"])
    except SystemExit as error:
        leave = error
        report = '{"exit": true}'
    except BaseException as error:  # noqa: BLE001 - whatever it is, it becomes the step's error
        leave = SystemExit(1)
        report = json.dumps({"error": describe_exception(error)})
    if os.getpid() != owner:
        os._exit(0)  # a fork of the function that came back here too; the report is the parent's to make
    if _identity(result) == identity:
        _write(result, report.encode("ascii"))
        os.close(result)
    if leave is not None:
        raise leave


def _call(request: dict[str, Any]) -> object:
    value = _find(request["callable"])(**request["args"])
    if hasattr(value, "__await__"):
        import asyncio

        return asyncio.run(_awaited(value))
    return value


async def _awaited(value: Any) -> object:
    return await value


def _find(name: str) -> Any:
    place, _, dotted = name.rpartition(":")
    found: Any = _load(place) if place.endswith(".py") or "/" in place else importlib.import_module(place)
    for part in dotted.split("."):
        found = getattr(found, part)
    if not callable(found):
        raise TypeError(f"{name} is {_kind(found)}, which cannot be called")
    return found


def _load(file: str) -> Any:
    path = Path(file)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {file}; a relative path is looked up in the folder of the plan")
    # A name of its own, so that it stands for no module that others import; its siblings can still import it by its stem.
    name = f"opscope_step_{path.stem}"
    loader = SourceFileLoader(name, file)
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


def _returned(value: object, max_bytes: int) -> str:
    try:
        text = encode_result(value)
    except UnfitResultError as error:
        return json.dumps({"unfit": str(error)})
    if len(text) > max_bytes:
        return json.dumps({"too_large": len(text)})
    return f'{{"value": {text}}}'


def _identity(descriptor: int) -> tuple[int, int] | None:
    """What a descriptor stands for: the function may have closed it, and its number may be another file's by now."""
    try:
        stat = os.fstat(descriptor)
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)  # slices of bytes would copy all that is left, pipe by pipe
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except OSError:
            return  # nobody reads any more


def _described(error: BaseException, own_file: str, causes: int) -> dict[str, Any]:
    described: dict[str, Any] = {"type": _type_name(error), "message": _text(error)}
    frames, omitted = _frames(error, own_file)
    described["traceback"] = frames
    if omitted:
        described["omitted_frames"] = omitted
    notes = getattr(error, "__notes__", None)
    if isinstance(notes, list) and notes:
        described["notes"] = [str(note)[:MAX_TEXT] for note in notes[:MAX_CAUSES]]
    members = getattr(error, "exceptions", None)
    if isinstance(members, tuple) and causes and all(isinstance(member, BaseException) for member in members):
        described["exceptions"] = [_described(member, own_file, causes - 1) for member in members[:MAX_CAUSES]]
    cause = error.__cause__
    if cause is None and not error.__suppress_context__:
        cause = error.__context__
    if cause is not None and causes:
        described["cause"] = _described(cause, own_file, causes - 1)
    return described


def _type_name(error: BaseException) -> str:
    kind = type(error)
    return (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    )


def _text(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - an exception that cannot say what it is must not hide that it happened
        return "(its message cannot be made)"
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"


def _frames(error: BaseException, own_file: str) -> tuple[list[dict[str, Any]], int]:
    frames: list[dict[str, Any]] = []
    first: list[dict[str, Any]] = []
    count = 0
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == own_file:
            # What led to here is ours, or the event loop's.
            frames, first, count = [], [], 0
        elif not _is_machinery(code.co_filename):
            frame: dict[str, Any] = {"file": code.co_filename, "line": trace.tb_lineno, "function": code.co_name}
            (first if len(first) < FIRST_FRAMES else frames).append(frame)
            del frames[:-LAST_FRAMES]
            count += 1
        trace = trace.tb_next
    found = first + frames
    if isinstance(error, SyntaxError) and isinstance(error.filename, str) and isinstance(error.lineno, int):
        found.append({"file": error.filename, "line": error.lineno, "function": "<module>"})
        count += 1
    for frame in found:
        frame["text"] = linecache.getline(frame["file"], frame["line"]).strip()[:500]
    return found, count - len(found)


def _is_machinery(file: str) -> bool:
    return file.startswith("<frozen importlib") or file == importlib.__file__


def _why_unfit(value: object) -> str:
    """Where the first thing stands that JSON has no word for. Goes down level by level, without recursion."""
    waiting: list[tuple[object, str, tuple[int, ...]]] = [(value, "", ())]
    while waiting:
        item, path, parents = waiting.pop()
        place = f"result{path}" if path else "the result"
        if not isinstance(item, (dict, list, tuple)):
            fault = _why_unfit_leaf(item, place)
            if fault:
                return fault
            continue
        if id(item) in parents:
            return f"{place} leads back to what it is part of, which JSON cannot say; return a copy without the circle"
        if len(parents) >= MAX_DEPTH:
            return f"the result is nested deeper than {MAX_DEPTH} levels"
        inner = (*parents, id(item))
        if isinstance(item, dict):
            odd = [key for key in item if not (key is None or isinstance(key, (str, int, float)))]
            if odd:
                return f"{place} has {_kind(odd[0])} as a key, which JSON has no word for; use texts"
            waiting += [(child, f"{path}[{key!r:.100}]", inner) for key, child in reversed(list(item.items()))]
        else:
            waiting += [(child, f"{path}[{index}]", inner) for index, child in reversed(list(enumerate(item)))]
    return ""


def _why_unfit_leaf(item: object, place: str) -> str:
    if item is None or isinstance(item, (str, bool)):
        return ""
    if isinstance(item, float):
        return "" if math.isfinite(item) else f"{place} is {item!r}, which JSON does not know; return None instead"
    if isinstance(item, int):
        # What Python itself refuses to write out, for the time that it takes.
        return f"{place} is a number with too many digits; return it as a text" if item.bit_length() > MAX_BITS else ""
    if isinstance(item, (set, frozenset)) or hasattr(item, "__next__"):
        instead = "a list"
    elif isinstance(item, (bytes, bytearray)):
        instead = "a text"
    else:
        instead = "texts, numbers, lists and dictionaries"
    return f"{place} is {_kind(item)}, which JSON has no word for; return {instead}"


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"
