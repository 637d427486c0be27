"""MLF7xx: what has moved or gone in the version of MLflow that the project is for."""
