"""A program made of a document: names found, formulas typed, provisions linked and put in order."""
