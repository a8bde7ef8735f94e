"""One file a tab of the Run screen."""
