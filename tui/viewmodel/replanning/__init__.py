"""The replans of a run as a person reads them: one of them, the line they stand on, what is said of one, and the filter."""
