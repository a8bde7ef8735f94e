"""The budgets, measured: each figure beside its yardstick in the same run. Nothing here asserts a time."""
