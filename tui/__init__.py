"""Everything a person meets in a terminal: the commands and the screens."""
