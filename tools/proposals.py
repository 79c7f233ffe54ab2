"""Who was asked for a decision besides the rules, what it wanted and what the rules did with that: a sentence, or a tree."""

from __future__ import annotations

import json
from typing import Any

from tools.tracing import Node, shortened


def proposal_said(body: dict[str, Any]) -> str:
    """Of a decision record's body; "" where no model was asked."""
    if "proposal" not in body:
        return ""
    asked = body["proposal"]
    wanted = f"wanted {asked['kind']} (“{shortened(asked['reason'])}”)" if asked["kind"] else "gave no answer"
    return f"{asked['by']} {wanted}; {body['ruling']}"


def proposal_node(body: dict[str, Any]) -> Node:
    """Who decided; below it, where a model was asked, what it said in each turn and what the rules did with its proposal."""
    by = body["decision"]["chosen_by"]
    if "proposal" not in body:
        return Node(
            "decider", "", {"rule": "the rules", "operator": "the rules, by an operator's wish"}.get(by, by)
        )
    asked = body["proposal"]
    decided = f"the model {asked['by']}" if by == "llm" else "the rules"
    node = Node("decider", "", f"{decided}, after {asked['by']} was asked")
    for number, turn in enumerate(asked["turns"], 1):
        node.children.append(Node("turn", turn["task"][:16], f"turn {number}: {_turn(turn['said'])}"))
    wanted = f"{asked['kind']}: {asked['reason']}" if asked["kind"] else f"none: {asked['failure']}"
    node.children.append(Node("proposal", "", wanted))
    node.children.append(Node("ruling", "", body["ruling"]))
    return node


def _turn(said: str) -> str:
    parts = [
        f"{one['call']} {json.dumps(one['arguments'], ensure_ascii=False)}"
        if "call" in one
        else f"“{one['text']}”"
        for one in json.loads(said)
    ]
    return shortened("; ".join(parts))
