"""One person: check, what would change the answer, redetermination, the interview, the notice."""
