"""The Monitor screen as text: what goes on in each run that is not over. No widgets, no SQL."""
