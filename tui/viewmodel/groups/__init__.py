"""The Groups tab as text and numbers: the layered graph, the Gantt, the figures. No widgets, no SQL."""
