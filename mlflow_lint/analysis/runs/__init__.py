"""Which run is open at a line."""
