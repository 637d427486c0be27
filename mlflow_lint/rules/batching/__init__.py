"""MLF2xx: several calls where one does the same."""
