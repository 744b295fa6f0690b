"""The morning after a batch: its run as a page of tables and plots, and as lists that people work through."""

from mianshen.past_runs.finished_run import FinishedRun, program_of
from mianshen.past_runs.report.make import Order, make_report

__all__ = ["FinishedRun", "Order", "make_report", "program_of"]
