"""Assets: the registry that keeps their versions, trees of them in files, and which version a run uses."""
