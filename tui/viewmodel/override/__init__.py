"""The Override screen as data and lines: what can be changed of a run, what was chosen, and what that comes to. Pure."""
