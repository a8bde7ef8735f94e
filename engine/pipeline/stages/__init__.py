"""The five stages, one file each, and what they share. The runner calls them in order; each can be run alone."""
