"""Reads an exported trace into a scratch database, checking everything on the way: shape, words, sizes, chain, plan and output.

Nothing of the document reaches the file of runs from here; that is store.exchange.importing's.
"""

from store.exchange.reading.trace import ReadTrace, read_trace

__all__ = ["ReadTrace", "read_trace"]
