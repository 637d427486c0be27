"""What names and expressions stand for: MLflow's things, the project's, the words of a text."""
