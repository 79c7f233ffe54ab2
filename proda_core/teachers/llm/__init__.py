"""A model as teacher: what is asked of it, and the paid calls themselves, each behind one protocol."""

from proda_core.teachers.llm.asking import Asker, Task
from proda_core.teachers.llm.teacher import LlmTeacher

__all__ = ["Asker", "LlmTeacher", "Task"]
