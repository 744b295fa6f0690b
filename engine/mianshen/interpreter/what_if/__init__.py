"""What would change an answer, and when: decided copies of a case."""
