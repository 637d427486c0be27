"""What has moved or gone in MLflow (the questions of MLF7xx)."""
