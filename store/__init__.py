"""The file of runs: schema, writer, reader, locks. Knows no screen."""
