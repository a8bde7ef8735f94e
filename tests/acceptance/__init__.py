"""Black-box acceptance tests: the installed command as a process, judged by what an operator sees."""
