"""Answers, tables and progress as text for the terminal."""
