"""The vocabulary of the task - types, errors, video, results, evaluation. Imports no room."""
