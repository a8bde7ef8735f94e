"""A process that compares two JSON files once and says how long that took. Started by diff_figures, which also ends it.

`python -m tests.bench.diff_once TOOL BEFORE AFTER` prints {"ms": ..., "size": ...}; exits 3 where the tool is not installed.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_INSTALLED: Final = 3


def _opscope() -> Callable[[Any, Any], int]:
    from engine.regression.json_diff import diff

    return lambda before, after: len(diff(before, after).changes)


def _jsonpatch() -> Callable[[Any, Any], int]:
    tool = importlib.import_module("jsonpatch")
    return lambda before, after: len(tool.make_patch(before, after).patch)


def _deepdiff() -> Callable[[Any, Any], int]:
    tool = importlib.import_module("deepdiff")
    return lambda before, after: len(tool.DeepDiff(before, after, ignore_order=False).affected_paths)


def _jsondiff() -> Callable[[Any, Any], int]:
    tool = importlib.import_module("jsondiff")
    return lambda before, after: len(tool.diff(before, after))


def _dictdiffer() -> Callable[[Any, Any], int]:
    tool = importlib.import_module("dictdiffer")
    return lambda before, after: len(list(tool.diff(before, after)))


def _reading() -> Callable[[Any, Any], int]:
    """What the documents cost to read, for where nothing else is installed."""
    texts = [Path(file).read_text(encoding="utf-8") for file in sys.argv[2:]]
    return lambda _before, _after: len([json.loads(text) for text in texts])


TOOLS: Final[dict[str, Callable[[], Callable[[Any, Any], int]]]] = {
    "opscope": _opscope,
    "json.loads": _reading,
    "jsonpatch": _jsonpatch,
    "deepdiff": _deepdiff,
    "jsondiff": _jsondiff,
    "dictdiffer": _dictdiffer,
}


def main() -> int:
    tool, *files = sys.argv[1:]
    try:
        compare = TOOLS[tool]()
    except ModuleNotFoundError:
        return NOT_INSTALLED
    before, after = (json.loads(Path(file).read_text(encoding="utf-8")) for file in files)
    compare({"a": [{"b": 1}, 2]}, {"a": [{"b": 2}, 2, 3]})  # whatever is imported or compiled late is there now
    gc.collect()
    began = time.perf_counter()
    size = compare(before, after)
    print(json.dumps({"ms": (time.perf_counter() - began) * 1e3, "size": size}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
