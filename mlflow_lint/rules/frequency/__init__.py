"""MLF1xx: the call is right, how often it runs is not."""
