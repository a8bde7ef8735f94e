"""Statistics of small samples: rank tests, corrections for many tests, intervals, rates and change points. Numbers in, numbers out."""
