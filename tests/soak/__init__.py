"""`make soak`: kills, damage and load for hours, against the commands as users run them."""
