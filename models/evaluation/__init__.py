"""What a test set says of models: figures with intervals, evaluation.json and a report to read."""
