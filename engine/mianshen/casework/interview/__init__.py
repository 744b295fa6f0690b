"""An interview: asks what can still change the answer, most informative first, and keeps what is told."""

from mianshen.casework.interview.interview import Interview, askable_benefits
from mianshen.casework.interview.question import Question
from mianshen.casework.interview.story import Place, Story

__all__ = ["Interview", "Place", "Question", "Story", "askable_benefits"]
