"""Pure comparison of recorded runs: which parts belong together, and what differs in them. Nothing here reads a file or a clock."""
