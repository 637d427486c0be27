"""How the process talks to the tracking store (the questions of MLF5xx)."""
