"""Training: compiling a checked mixture to LoRA weights by a flat loop that can be killed and resumed at any line.

Import ``training.job`` (the job) or ``training.loop`` (the loop) by name: both need torch, this package does not.
"""

__all__: list[str] = []
