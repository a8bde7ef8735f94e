"""Pure: what screens and tables show, made from rows. No Textual, no database, no clock."""
