"""What every room speaks: frozen data and closed enums, with no behaviour beyond their own validity."""
