"""The vocabulary of the task; imports no room."""
