"""What is honest passes: the guard refuses nothing of the fixture world, and the trainer gets the rows back."""

from __future__ import annotations

from pathlib import Path

import pytest

from proda_core.artifacts import ArtifactStore
from proda_core.guard import check_examples, check_mixture, check_patch, commit_mixture, recheck_for_training
from proda_core.types import Role
from tests import fixtures_knowledge as fx


@pytest.fixture
def world(tmp_path: Path) -> fx.World:
    return fx.honest_world(ArtifactStore(tmp_path))


def test_honest_rows_are_refused_by_no_rule() -> None:
    rows = fx.honest_rows()
    assert {row.role for row in rows} == set(Role)
    assert check_mixture(fx.mixture(rows), fx.index(), fx.benchmark()) == ()
    assert check_patch(rows[:3], fx.index(), fx.benchmark()) == ()
    assert check_examples([row.example for row in rows[3:]], fx.index(), fx.benchmark()) == ()


def test_a_committed_mixture_comes_back_whole_to_the_trainer(world: fx.World) -> None:
    manifest = commit_mixture(
        world.store, world.mixture, index=fx.index(), benchmark=fx.benchmark(), inputs=world.inputs
    )
    found = recheck_for_training(
        world.store, manifest.artifact_id, snapshot_id=world.snapshot_id, benchmark_id=world.benchmark_id
    )
    assert found.rows == world.mixture.rows
    assert '"general/2:3:' in manifest.meta["notes"]["general_sources"].replace("\\", "")


def test_committing_the_same_mixture_twice_is_a_no_op(world: fx.World) -> None:
    def commit() -> object:
        return commit_mixture(
            world.store, world.mixture, index=fx.index(), benchmark=fx.benchmark(), inputs=world.inputs
        )

    assert commit() == commit()
    assert list(world.store.list("mixture")) == [world.mixture.mixture_id]
