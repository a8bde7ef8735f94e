"""A process that reads one very long plan and says how long that took and how large it became. Started by plan_figures.

`python -m tests.bench.long_plan opscope|yaml STEPS`
"""

from __future__ import annotations

import json
import resource
import sys
import time

from tests.bench.runs import layered_text


def main() -> None:
    how, steps = sys.argv[1], int(sys.argv[2])
    text = layered_text(steps // 50, 50)
    if how == "opscope":
        from engine.plan.load import load_plan

        began = time.perf_counter()
        found = len(load_plan(text, name="long.yaml").steps)
    else:
        import yaml

        began = time.perf_counter()
        found = len(yaml.load(text, yaml.CSafeLoader)["steps"])
    spent = time.perf_counter() - began
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    in_mb = largest / (2**20 if sys.platform == "darwin" else 2**10)
    print(json.dumps({"seconds": spent, "peak_mb": in_mb, "steps": found}))


if __name__ == "__main__":
    main()
