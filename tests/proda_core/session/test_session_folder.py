"""A session is named by what makes it, hosted once, found again, and refuses to be another one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from proda_core.clock import FakeClock
from proda_core.config import Config, load_config
from proda_core.errors import ConfigError, SessionError
from proda_core.session import SessionFolder, find_session


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "sessions"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "corpus").mkdir()
    return tmp_path / "corpus"


def session(root: Path, corpus: Path, *overrides: str, digest: str = "d1") -> SessionFolder:
    return SessionFolder.create_or_open(root, load_config(None, overrides), corpus, digest)


def test_the_same_corpus_configuration_and_seed_are_the_same_session(root: Path, corpus: Path) -> None:
    first = session(root, corpus)
    assert session(root, corpus) == first == SessionFolder.open(first.root)
    others = {
        session(root, corpus, "seed=1").name,
        session(root, corpus, "training.rank=8").name,
        session(root, corpus, digest="d2").name,
        session(root, corpus, "name=econ").name,
    }
    assert len(others | {first.name}) == 5


def test_every_configuration_comes_back_as_it_was_with_its_unset_keys(root: Path, corpus: Path) -> None:
    made = session(
        root, corpus, "budget.rounds=none", "policy.target_dev=none", "training.learning_rate=0.0007"
    )
    again = SessionFolder.open(made.root)
    assert again.config == made.config
    assert (again.config.budget.rounds, again.config.policy.target_dev) == (None, None)
    assert (again.corpus_path, again.corpus_digest) == (corpus, "d1")


def test_another_budget_is_the_same_session_under_that_budget(root: Path, corpus: Path) -> None:
    first = session(root, corpus, "budget.wall_s=60")
    second = session(root, corpus, "budget.wall_s=120")
    assert first.root == second.root
    assert SessionFolder.open(first.root).config.budget.wall_s == 120
    raised = second.raise_budget({"rounds": 5})
    assert SessionFolder.open(first.root) == raised
    assert (raised.config.budget.wall_s, raised.config.budget.rounds) == (120, 5)
    with pytest.raises(ConfigError):
        second.raise_budget({"tokens": 5})


def test_a_changed_configuration_file_is_refused(root: Path, corpus: Path) -> None:
    made = session(root, corpus)
    text = made.settings.read_text(encoding="utf-8")
    made.settings.write_text(text.replace("seed = 0", "seed = 1"), encoding="utf-8")
    for act in (lambda: SessionFolder.open(made.root), lambda: session(root, corpus)):
        with pytest.raises(SessionError, match="was changed"):
            act()


def test_a_folder_that_belongs_to_another_session_is_refused(root: Path, corpus: Path) -> None:
    first, second = session(root, corpus), session(root, corpus, "seed=1")
    first.settings.write_bytes(second.settings.read_bytes())
    with pytest.raises(SessionError, match="another corpus or configuration"):
        session(root, corpus)


@pytest.mark.parametrize(
    "text", ["", "not toml [", "[session]\nformat = 1\n", "[session]\n[config]\nzzz = 1\n"]
)
def test_a_configuration_file_that_cannot_be_read_is_a_typed_error(
    root: Path, corpus: Path, text: str
) -> None:
    made = session(root, corpus)
    made.settings.write_text(text, encoding="utf-8")
    with pytest.raises(SessionError, match="unreadable"):
        SessionFolder.open(made.root)


def test_a_folder_left_by_a_kill_before_its_configuration_was_written_is_made_whole(
    root: Path, corpus: Path
) -> None:
    made = session(root, corpus)
    made.settings.unlink()
    with pytest.raises(SessionError, match="start one"):
        SessionFolder.open(made.root)
    assert session(root, corpus) == made


def test_the_corpus_path_stays_until_it_is_gone(root: Path, corpus: Path, tmp_path: Path) -> None:
    session(root, corpus)
    (tmp_path / "copy").mkdir()
    assert session(root, tmp_path / "copy").corpus_path == corpus
    corpus.rmdir()
    assert session(root, tmp_path / "copy").corpus_path == tmp_path / "copy"


def test_a_second_host_is_told_who_the_first_is(root: Path, corpus: Path) -> None:
    folder = session(root, corpus)
    with folder.hosted(FakeClock()):
        message = f"in use by process {os.getpid()} on .* since 2026-01-01"
        with pytest.raises(SessionError, match=message), folder.hosted():
            pass
    with folder.hosted():
        pass


def test_a_killed_hosts_session_is_free_again(root: Path, corpus: Path) -> None:
    folder = session(root, corpus)
    program = (
        "import sys; from pathlib import Path; from proda_core.session import SessionFolder\n"
        "with SessionFolder.open(Path(sys.argv[1])).hosted():\n"
        "    print('hosting', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(folder.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        host.stdout.readline()
        with pytest.raises(SessionError, match=f"process {host.pid}"), folder.hosted():
            pass
        os.kill(host.pid, signal.SIGKILL)
        host.wait()
        with folder.hosted():
            pass


def test_sessions_are_found_by_path_by_name_and_as_the_newest(root: Path, corpus: Path) -> None:
    with pytest.raises(SessionError, match="no session in"):
        find_session(None, root)
    demo, econ = session(root, corpus), session(root, corpus, "name=econ")
    os.utime(demo.settings, ns=(1, 1))
    os.utime(econ.settings, ns=(2, 2))
    assert find_session(None, root) == econ
    demo.decisions.touch()
    assert find_session(None, root) == demo
    assert (
        find_session("econ", root)
        == find_session(econ.name, root)
        == find_session(str(econ.root), root)
        == econ
    )
    session(root, corpus, "seed=1")
    with pytest.raises(SessionError, match="several sessions begin with 'session'"):
        find_session("session", root)
    with pytest.raises(SessionError, match=f"no session is called 'x'.*{econ.name}"):
        find_session("x", root)


def test_the_file_that_stops_a_session_is_seen_until_it_is_cleared(root: Path, corpus: Path) -> None:
    folder = session(root, corpus)
    assert not folder.stops_now()
    folder.stop_now()
    assert folder.stops_now()
    folder.clear_stop()
    folder.clear_stop()
    assert not folder.stops_now()


def test_disk_use_is_the_bytes_of_all_files_and_follows_no_link(root: Path, corpus: Path) -> None:
    folder = session(root, corpus)
    before = folder.disk_bytes()
    (folder.artifacts / "adapter").mkdir(parents=True)
    (folder.artifacts / "adapter" / "weights").write_bytes(b"x" * 1000)
    (folder.artifacts / "loop").symlink_to(folder.root)
    assert folder.disk_bytes() == before + 1000
    assert before == folder.settings.stat().st_size


def test_the_resolved_configuration_is_the_default_plus_what_was_said() -> None:
    assert load_config(None, ["seed=3"]) == Config(seed=3)
