"""What people do with a program: populations, cases, batch runs."""
