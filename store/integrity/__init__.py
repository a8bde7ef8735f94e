"""Whether the file of runs is what was written to it, and how its projections are made anew."""
