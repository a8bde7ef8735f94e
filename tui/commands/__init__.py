"""The commands; each joins an engine to a store."""
