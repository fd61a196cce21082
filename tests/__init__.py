"""The tests, arranged like the code they test."""
