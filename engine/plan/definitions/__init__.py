"""One module for each type of step: how its definition is checked and compiled, and how it is filled in. Nothing here runs one."""
