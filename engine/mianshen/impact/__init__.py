"""What another rule would do, before it is law: two programs decided over the same rows, and what differs.

In: two programs, cases or files of records. Out: totals by decision and benefit, every changed row with its cause,
who gains and who loses, bounds of what unknown facts leave open.
Invariants: rows are read once for both sides; sums are those of two batches to the fen; no person is named outside
`changes.parquet`.
"""
