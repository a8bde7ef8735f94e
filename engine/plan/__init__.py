"""Plan text to a checked, compiled plan: reading, positions, references, expressions and the graph. Nothing here runs a step."""
