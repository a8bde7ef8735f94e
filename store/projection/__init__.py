"""What each event changes in the tables that show the state of runs. Pure: events in, statements out; nothing is executed.

Replaying all events of a file into empty tables gives the same rows as writing them live did, in batches of any size.
"""

from store.projection.changes import PROJECTED_TABLES, change, project
from store.projection.recorded import Recorded

__all__ = ["PROJECTED_TABLES", "Recorded", "change", "project"]
