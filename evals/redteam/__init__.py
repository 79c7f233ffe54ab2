"""The red team: named attacks of controllers, clients, writers and insiders that try to win by cheating, and what stops each."""

from evals.redteam.asking import ASKING
from evals.redteam.attack import Act, Answer, Attack, Attempt, By, Calls, Ground, Stage
from evals.redteam.leaks import LEAKS
from evals.redteam.records import RECORDS
from evals.redteam.rows import ROWS
from evals.redteam.training import TRAINING
from evals.redteam.verdicts import VERDICTS

ATTACKS: tuple[Attack, ...] = (*LEAKS, *ROWS, *TRAINING, *VERDICTS, *RECORDS, *ASKING)

__all__ = ["ATTACKS", "Act", "Answer", "Attack", "Attempt", "By", "Calls", "Ground", "Stage"]
