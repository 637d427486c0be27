"""What functions do to the tracking store, and what their writes write."""
