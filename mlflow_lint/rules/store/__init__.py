"""MLF5xx: how a process talks to the tracking store."""
