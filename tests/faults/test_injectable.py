"""Which faults can be injected where these tests run: those that cannot are listed by whoever runs them, and no others."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.faults import injecting
from tests.faults.injecting import CANNOT, Fault, listed, need, why_not


@pytest.mark.slow
def test_every_fault_can_be_injected_here_or_is_listed() -> None:
    missing = {fault: why for fault in Fault if (why := why_not(fault))}
    print("".join(f"\n{fault}: {missing.get(fault, 'can be injected')}" for fault in Fault))
    assert missing.keys() - listed() == set(), f"mend that, or list them in {CANNOT}: {missing}"
    assert listed() - missing.keys() == set(), f"{CANNOT} lists what can be injected, or what is no fault"


def test_a_fault_that_cannot_be_injected_fails_by_name_and_is_skipped_only_where_it_is_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(injecting._TRIALS, Fault.CLOCK, lambda _folder: "no clock here")
    monkeypatch.delenv(CANNOT, raising=False)
    with pytest.raises(pytest.fail.Exception, match="clock cannot be injected here: no clock here"):
        need(Fault.CLOCK)
    monkeypatch.setenv(CANNOT, "reboot,clock")
    with pytest.raises(pytest.skip.Exception, match="clock cannot be injected here"):
        need(Fault.CLOCK)


def test_a_command_that_fails_is_the_reason_given(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_folder: Path) -> str:
        subprocess.run(
            ["sh", "-c", "echo 'mount: permission denied' >&2; exit 32"], check=True, capture_output=True
        )
        return ""

    monkeypatch.setitem(injecting._TRIALS, Fault.SMALL_DISK, refused)
    assert "permission denied" in why_not(Fault.SMALL_DISK)
