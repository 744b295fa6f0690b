"""An interview: asks what can still change the answer, most informative first, and keeps what is told."""

from mianshen.workbench.interview.interview import Interview
from mianshen.workbench.interview.question import Question
from mianshen.workbench.interview.story import Place, Story

__all__ = ["Interview", "Place", "Question", "Story"]
