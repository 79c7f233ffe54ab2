"""Verify finds every changed byte, names the first bad record, and holds the log against the artifacts on disk."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from proda_core.artifacts import ArtifactStore
from proda_core.clock import FakeClock
from proda_core.ids import canonical_json, digest
from proda_core.log import DecisionLog, verify
from proda_core.log.record import Record, parse_line

ADAPTER, OTHER = "a_" + "1" * 16, "a_" + "2" * 16


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log of 12 records with text, numbers, nesting and budgets."""
    path, clock = tmp_path / "decisions.jsonl", FakeClock()
    with DecisionLog(path, clock=clock) as log:
        for number in range(6):
            clock.advance(1.5)
            body = {
                "tool": "train_adapter",
                "arguments": {"seed": number, "rate": 3e-3},
                "why": "Größe ≥ 2\n",
            }
            log.append("intent", f"o_{number}", body, budget={"rounds": {"limit": 3, "used": number}})
            log.append("outcome", f"o_{number}", {"artifacts": {}, "meta": {"dev": [0.25, None, True]}})
    return path


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def line_of(data: bytes, position: int) -> int:
    return data[:position].count(b"\n") + 1


def flipped(data: bytes, position: int, bit: int) -> bytes:
    return data[:position] + bytes([data[position] ^ (1 << bit)]) + data[position + 1 :]


def test_an_intact_log_verifies_and_says_what_it_cannot_know(path: Path) -> None:
    report = verify(path)
    assert (report.ok, report.integrity, report.completeness, report.records) == (
        True,
        "intact",
        "complete",
        12,
    )
    assert (report.authenticity, report.anchoring) == ("not judged", "not judged")
    assert report.cannot_detect


def test_each_of_300_random_flips_is_found_at_its_record(path: Path) -> None:
    data, rng = path.read_bytes(), random.Random(7)
    for _ in range(300):
        position, other = rng.randrange(len(data)), rng.randrange(1, 256)
        path.write_bytes(data[:position] + bytes([data[position] ^ other]) + data[position + 1 :])
        report = verify(path)
        assert not report.ok, position
        assert report.first_bad_seq == line_of(data, position), position


def test_every_byte_of_a_record_is_covered_its_line_end_included(path: Path) -> None:
    data, rng = path.read_bytes(), random.Random(8)
    begin = data.index(b"\n") + 1
    end = data.index(b"\n", begin) + 1
    for position in range(begin, end):
        for bit in (
            range(8) if position > end - 12 else (5, rng.randrange(8))
        ):  # 5 is the bit that changes case
            path.write_bytes(flipped(data, position, bit))
            assert verify(path).first_bad_seq == 2, (position, bit)


def test_a_flip_in_the_last_line_end_is_found(path: Path) -> None:
    data = path.read_bytes()
    for bit in range(8):
        path.write_bytes(flipped(data, len(data) - 1, bit))
        assert verify(path).first_bad_seq == 12


def test_bytes_that_mean_the_same_json_are_still_another_record(path: Path) -> None:
    first, *rest = path.read_bytes().split(b"\n")
    for other in (
        first.replace(b'"seq":1', b'"seq": 1'),
        first.replace(b'"seq":1', b'"seq":1,"seq":1'),
        first.replace("ö".encode(), b"\\u00f6"),
        first + b"\r",
        b"\xef\xbb\xbf" + first,
    ):
        path.write_bytes(b"\n".join([other, *rest]))
        assert verify(path).first_bad_seq == 1


def test_a_record_taken_out_repeated_or_moved_is_found(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    for bad, changed in (
        (4, lines[:3] + lines[4:]),
        (5, lines[:4] + lines[3:]),
        (3, [*lines[:2], lines[3], lines[2], *lines[4:]]),
        (1, lines[1:]),
    ):
        path.write_bytes(b"".join(changed))
        assert verify(path).first_bad_seq == bad


def test_a_record_with_a_new_hash_of_its_own_breaks_the_chain_after_it(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    plain = json.loads(lines[2])
    plain["body"]["arguments"]["seed"] = 99
    del plain["hash"]
    forged = canonical_json({**plain, "hash": digest(plain)}) + b"\n"
    assert isinstance(parse_line(forged[:-1]), Record)
    path.write_bytes(b"".join([*lines[:2], forged, *lines[3:]]))
    assert verify(path).first_bad_seq == 4


def test_an_empty_or_missing_log_is_not_a_good_one(path: Path, tmp_path: Path) -> None:
    path.write_bytes(b"")
    assert verify(path).first_bad_seq == 1
    report = verify(tmp_path / "nowhere.jsonl")
    assert (report.ok, report.integrity) == (False, "broken")


def test_verify_changes_nothing(path: Path) -> None:
    torn = path.read_bytes()[:-5]
    path.write_bytes(torn)
    assert not verify(path).ok
    assert path.read_bytes() == torn


def test_an_intent_without_an_outcome_is_incomplete_and_named(path: Path) -> None:
    with DecisionLog(path) as log:
        log.append("intent", "o_open", {})
    report = verify(path)
    assert (report.ok, report.integrity, report.completeness) == (False, "intact", "incomplete")
    assert report.problems == ("record 13: intent o_open has no outcome",)


def test_outcomes_said_twice_or_before_their_intent_are_named(path: Path) -> None:
    with DecisionLog(path) as log:
        records = list(log.records)

    def rewritten(order: list[Record]) -> None:
        prev, lines = "0" * 64, []
        for seq, record in enumerate(order, 1):
            plain = {**json.loads(record.line()), "seq": seq, "prev": prev}
            del plain["hash"]
            prev = digest(plain)
            lines.append(replace(record, seq=seq, prev=plain["prev"], hash=prev).line())
        path.write_bytes(b"".join(lines))

    rewritten([*records, records[1]])
    assert verify(path).problems == ("record 13: outcome o_0 stands at 2 already",)
    rewritten([records[1], records[0], *records[2:]])
    assert verify(path).problems == ("record 1: outcome o_0 has no intent before it",)
    rewritten([records[0], *records])
    assert verify(path).problems == ("record 2: intent o_0 stands at 1 already",)


def log_outcome(path: Path, **artifacts: str) -> None:
    with DecisionLog(path) as log:
        log.append("intent", "o_train", {"tool": "train_adapter"})
        log.append("outcome", "o_train", {"ok": True, "artifacts": artifacts})


def make(store: ArtifactStore, artifact_id: str) -> None:
    store.make("adapter", artifact_id, lambda folder: (folder / "weights").write_bytes(b"123"))


def test_artifacts_and_outcomes_that_agree_are_complete(path: Path, store: ArtifactStore) -> None:
    make(store, ADAPTER)
    log_outcome(path, adapter=ADAPTER)
    assert verify(path, store).ok


def test_an_adapter_on_disk_that_no_outcome_names_is_a_problem(path: Path, store: ArtifactStore) -> None:
    make(store, ADAPTER)
    make(store, OTHER)
    log_outcome(path, adapter=ADAPTER)
    assert verify(path, store).problems == (f"adapter {OTHER} is on disk, and no outcome names it",)
    assert verify(path).ok  # without the artifacts nobody can know


def test_an_artifact_that_an_outcome_names_and_that_is_gone_or_changed_is_a_problem(
    path: Path, store: ArtifactStore
) -> None:
    log_outcome(path, adapter=ADAPTER)
    assert f"no adapter {ADAPTER}" in verify(path, store).problems[0]
    make(store, ADAPTER)
    (store.path("adapter", ADAPTER) / "weights").write_bytes(b"124")
    assert "weights is not what the manifest says" in verify(path, store).problems[0]


def test_rounds_that_are_no_longer_spent_are_a_matter_of_completeness(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    with DecisionLog(path) as log:
        for number, used in enumerate((0.0, 2.0, None, 2.0, 1.0)):
            budget = None if used is None else {"rounds": {"limit": 3.0, "held": 0.0, "used": used}}
            log.append("note", f"n_{number}", {"event": "any"}, budget=budget)
    report = verify(path)
    assert (report.integrity, report.completeness, report.first_bad_seq) == ("intact", "incomplete", 5)
    assert report.first_bad == "record 5: 1 rounds are spent where 2 were before"
