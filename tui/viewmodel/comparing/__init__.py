"""What the Compare screen says: verdict, evidence, differences, data, runs. Pure: lines out of an analysis, nothing is read here."""
