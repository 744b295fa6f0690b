"""The command line: words in, engine calls, words out; no rule logic here."""
