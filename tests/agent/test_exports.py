"""``proda audit export`` on a finished session: what it hands on, that it is true, and that no sealed item is in any of it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import math
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from inspect_ai.log import EvalLog, read_eval_log
from typer.testing import CliRunner

from agent.cli.main import app
from mcp_server.auditing import attest_session
from mcp_server.hosting import reading_host
from proda_core import __version__
from proda_core.errors import ConfigError, LedgerError, ToolError
from proda_core.layout import LETTERS, choice_prompt
from proda_core.log.keys import key_path, own_key, read_key, trusted_keys
from proda_core.records import load_adapter, load_benchmark, load_diagnoses, load_report, load_verdict
from proda_core.session import SessionFolder
from proda_core.types import Benchmark, Split
from tests.sessions import Bench, FinishedSession, copied, outcomes_of, records_of
from tests.tools.test_proofs import rewritten
from tests.tools.test_sealed_stays_sealed import nothing_shows
from tools.exports.adapters import CARD_FILE, STATEMENT_FILE, WEIGHTS
from tools.exports.attested import check_attestations
from tools.exports.statement import envelope


@pytest.fixture
def session(finished_session: FinishedSession, tmp_path: Path) -> SessionFolder:
    return copied(finished_session.folder, tmp_path)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["audit", *arguments])


def export(folder: SessionFolder, *options: str) -> list[str]:
    done = run("export", str(folder.root), *options)
    assert done.exit_code == 0, done.exception
    return list(done.stdout.split())


def verified(folder: SessionFolder, *options: str) -> tuple[int, dict[str, Any]]:
    done = run("verify", str(folder.root), "--json", *options)
    return done.exit_code, json.loads(done.stdout)


def adapters_of(folder: SessionFolder) -> list[str]:
    return [made["artifacts"]["adapter"] for made in outcomes_of(folder, "train_adapter")]


def benchmark_of(folder: SessionFolder) -> Benchmark:
    return load_benchmark(folder.store, outcomes_of(folder, "build_benchmark")[0]["artifacts"]["benchmark"])


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def statement_of(folder: Path) -> dict[str, Any]:
    sealed = json.loads((folder / STATEMENT_FILE).read_text(encoding="utf-8"))
    found: dict[str, Any] = json.loads(base64.b64decode(sealed["payload"]))
    return found


def test_each_adapter_is_handed_on_with_a_card_and_a_statement_signed_over_its_files(
    session: SessionFolder, tmp_path: Path
) -> None:
    written = export(session, "--adapters", str(tmp_path / "out"))
    adapters = adapters_of(session)
    folders = sorted((tmp_path / "out").iterdir())
    assert [str(folder) for folder in folders] == written
    assert [folder.name for folder in folders] == [f"V{n}-{key}" for n, key in enumerate(adapters, 1)]
    for folder in folders:
        sealed = json.loads((folder / STATEMENT_FILE).read_text(encoding="utf-8"))
        payload = base64.b64decode(sealed["payload"])
        (signature,) = sealed["signatures"]
        own = read_key(key_path()).public
        length = len(b"application/vnd.in-toto+json")
        signed = b"DSSEv1 %d application/vnd.in-toto+json %d " % (length, len(payload)) + payload
        assert signature["keyid"] == own.fingerprint and own.verifies(
            base64.b64decode(signature["sig"]), signed
        )
        statement = json.loads(payload)
        assert (statement["_type"], statement["predicateType"]) == (
            "https://in-toto.io/Statement/v1",
            "https://slsa.dev/provenance/v1",
        )
        subjects = {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
        assert set(subjects) == {*WEIGHTS, CARD_FILE} == {p.name for p in folder.iterdir()} - {STATEMENT_FILE}
        assert subjects == {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in subjects}


def test_the_statement_names_base_data_benchmark_corpus_and_code(session: SessionFolder) -> None:
    export(session)
    for number, key in enumerate(adapters_of(session), 1):
        statement = statement_of(session.attestations / f"V{number}-{key}")
        build = statement["predicate"]["buildDefinition"]
        known = {one["name"]: one["digest"]["sha256"] for one in build["resolvedDependencies"]}
        adapter, manifest = load_adapter(session.store, key), session.store.manifest("adapter", key)
        assert known[f"base {adapter.base}"] == adapter.base_digest
        corpus = outcomes_of(session, "curate_corpus")[0]["artifacts"]["corpus"]
        parts = [("mixture", adapter.mixture_id), ("benchmark", manifest.inputs["benchmark"])]
        for kind, made in [*parts, ("snapshot", manifest.inputs["snapshot"]), ("corpus", corpus)]:
            for path in session.store.path(kind, made).iterdir():
                if path.name != "manifest.json":
                    assert (
                        known[f"{kind}/{made}/{path.name}"] == hashlib.sha256(path.read_bytes()).hexdigest()
                    )
        inside = build["internalParameters"]
        assert inside["version"] == __version__ and inside["corpus_digest"] == session.corpus_digest
        assert inside["tools_digest"] == records_of(session)[0].body["tools_digest"]


def test_a_card_is_one_that_the_hub_reads_and_says_what_the_reports_say(session: SessionFolder) -> None:
    export(session)
    made = [body["artifacts"]["report"] for body in outcomes_of(session, "evaluate_model")]
    for path in session.attestations.iterdir():
        card = ModelCard.load(path / CARD_FILE)
        assert (card.data.library_name, card.data.base_model) == ("peft", str(session.config.student.base))
        assert card.data.to_yaml() in (path / CARD_FILE).read_text(encoding="utf-8")
        adapter_id = path.name.partition("-")[2]
        report = next(r for r in (load_report(session.store, key) for key in made) if r.model == adapter_id)
        said = {one.dataset_split: one.metric_value for one in card.data.eval_results}
        for name in ("dev", "sealed", "general"):
            scores = [score for score in getattr(report, name) if score.value is not None]
            assert said[name] == pytest.approx(100 * sum(s.correct for s in scores) / len(scores), abs=0.051)
        for part in (
            "## Data",
            "## Limits",
            "## Loading it",
            load_adapter(session.store, adapter_id).mixture_id,
        ):
            assert part in card.text
        rows = re.findall(r"^\| (\S+) \| [0-9.]+ \([0-9]+–[0-9]+, n = [0-9]+\) \|", card.text, re.MULTILINE)
        assert [row.strip("*") for row in rows] == ["base", "V1", "V2"]
        assert f"**{path.name[:2]}**" in rows


@pytest.mark.slow
def test_the_card_tells_how_to_load_the_adapter_and_it_is_true(
    session: SessionFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(session, "--adapters", str(tmp_path / "out"))
    folder = sorted((tmp_path / "out").iterdir())[0]
    (code,) = re.findall(r"```python\n(.*?)```", (folder / CARD_FILE).read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(folder)
    known: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(compile(code, "card", "exec"), known)
    assert said.getvalue().startswith("['")


def test_a_sessions_own_attestations_hold_and_change_nothing_else(session: SessionFolder) -> None:
    code, before = verified(session)
    assert (code, before["attestation"], before["adapters"]) == (0, "not attested", 2)
    artifacts = files_of(session.artifacts)
    export(session)
    assert files_of(session.artifacts) == artifacts
    first = files_of(session.attestations)
    code, view = verified(session)
    assert (code, view["attestation"], view["attested"]) == (0, "attested", 2)
    assert view["completeness"] == "complete"
    export(session)
    assert files_of(session.attestations) == first
    shown = run("verify", str(session.root)).stdout
    assert "attested, 2 of 2 adapters" in shown
    shutil.rmtree(next(session.attestations.iterdir()))
    code, view = verified(session)
    assert (code, view["attestation"], view["attested"], view["adapters"]) == (0, "attested", 1, 2)


def test_a_session_that_ends_attests_its_adapters(session: SessionFolder) -> None:
    ended = CliRunner().invoke(app, ["resume", str(session.root)])
    assert ended.exit_code == 22, ended.exception
    assert verified(session)[1]["attested"] == 2


def test_a_session_whose_adapters_cannot_be_attested_ends_as_it_would_and_says_so(
    session: SessionFolder,
) -> None:
    weights = session.store.path("adapter", adapters_of(session)[0]) / WEIGHTS[1]
    weights.write_bytes(weights.read_bytes() + b"\0")
    ended = CliRunner().invoke(app, ["resume", str(session.root)])
    assert ended.exit_code == 22 and session.report.exists()
    assert "no statements on adapters" in ended.stderr and not session.attestations.exists()


Change = Callable[[SessionFolder, Path], None]


def _sealed(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    path = folder / STATEMENT_FILE
    sealed = json.loads(path.read_text(encoding="utf-8"))
    change(sealed)
    path.write_text(json.dumps(sealed), encoding="utf-8")


def _signed_anew(folder: Path, change: Callable[[dict[str, Any]], Any], key: Path | None = None) -> None:
    """The statement with a change, signed again by whoever has the key."""
    statement = statement_of(folder)
    change(statement)
    signed = envelope(statement, own_key(key or key_path()))
    (folder / STATEMENT_FILE).write_text(json.dumps(signed), encoding="utf-8")


def _material(statement: dict[str, Any], kind: str) -> dict[str, Any]:
    named = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    return next(one for one in named if one["name"].startswith(kind))  # type: ignore[no-any-return]  # JSON


def _other_payload(_: SessionFolder, folder: Path) -> None:
    statement = statement_of(folder)
    statement["predicate"]["buildDefinition"]["internalParameters"]["seed"] = 99
    _sealed(folder, lambda s: s.update(payload=base64.b64encode(json.dumps(statement).encode()).decode()))


def _another_key(_: SessionFolder, folder: Path) -> None:
    _signed_anew(folder, lambda _: None, folder.parent.parent / "other.pem")


def _another_card(_: SessionFolder, folder: Path) -> None:
    with (folder / CARD_FILE).open("a", encoding="utf-8") as card:
        card.write("It knows everything.\n")


def _false_material(kind: str) -> Change:
    return lambda _, folder: _signed_anew(
        folder, lambda s: _material(s, kind)["digest"].update(sha256="0" * 64)
    )


def _left_out_material(_: SessionFolder, folder: Path) -> None:
    def change(statement: dict[str, Any]) -> None:
        statement["predicate"]["buildDefinition"]["resolvedDependencies"].remove(
            _material(statement, "mixture")
        )

    _signed_anew(folder, change)


def _another_training(_: SessionFolder, folder: Path) -> None:
    _signed_anew(folder, lambda s: s["predicate"]["runDetails"].update(byproducts=[]))


def _of_nothing(_: SessionFolder, folder: Path) -> None:
    _signed_anew(folder, lambda s: s.update(subject=[]))


def _of_another_type(_: SessionFolder, folder: Path) -> None:
    _signed_anew(folder, lambda s: s.update(predicateType="https://example.org/other"))


def _without_fields(_: SessionFolder, folder: Path) -> None:
    _signed_anew(folder, lambda s: s.update(predicate={}))


def _no_adapters(_: SessionFolder, folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("V9-a_" + "0" * 16))


BAD: dict[str, tuple[Change, str]] = {
    "another payload": (_other_payload, "was changed: it is not what SHA256:"),
    "another key": (_another_key, "which is no key to be believed"),
    "no envelope": (lambda _, f: (f / STATEMENT_FILE).write_text("[]") and None, "is no DSSE envelope"),
    "no statement": (lambda _, f: (f / STATEMENT_FILE).unlink(), "cannot be read"),
    "another card": (_another_card, "README.md is not the file that was attested"),
    "a false mixture": (_false_material("mixture"), "does not tell the truth about mixture/m_"),
    "a false base": (_false_material("base"), "does not tell the truth about base "),
    "a false corpus": (_false_material("corpus"), "does not tell the truth about corpus/u_"),
    "no mixture": (_left_out_material, "does not tell the truth about mixture/m_"),
    "another training": (_another_training, "does not name the records of the training"),
    "no subject": (_of_nothing, "the statement is about  and not about adapter_config.json"),
    "another type": (_of_another_type, "is no in-toto Statement v1 with SLSA provenance v1"),
    "no fields": (_without_fields, "does not have the fields of such a statement"),
    "no adapter": (_no_adapters, "no call of this session made such an adapter"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_statement_that_does_not_hold_is_named(session: SessionFolder, name: str) -> None:
    change, said = BAD[name]
    attest_session(session)
    victim = sorted(session.attestations.iterdir())[1]
    change(session, victim)
    found = check_attestations(reading_host(session), trusted_keys())
    bad = "V9-a_0000000000000000" if name == "no adapter" else victim.name
    assert (found.standing, found.good) == ("contradicted", 2 if name == "no adapter" else 1)
    assert found.problems[0].startswith(f"attestations/{bad}: ") and said in found.problems[0]
    assert len(found.problems) == 1 or name == "no fields"


def test_verify_fails_by_the_name_of_a_statement_that_does_not_hold(session: SessionFolder) -> None:
    export(session)
    victim = sorted(session.attestations.iterdir())[1]
    _other_payload(session, victim)
    code, view = verified(session)
    assert (code, view["ok"], view["attestation"]) == (LedgerError.exit_code, False, "contradicted")
    assert (view["integrity"], view["authenticity"], view["completeness"]) == ("intact", "signed", "complete")
    assert view["first_bad"] == view["problems"][0] and victim.name in view["first_bad"]


def test_a_log_that_somebody_else_wrote_is_still_judged(session: SessionFolder) -> None:
    attest_session(session)
    outcome = next(r for r in records_of(session, "outcome") if r.body["tool"] == "train_adapter")
    rewritten(session, {outcome.seq: lambda body: body.pop("arguments"), outcome.seq - 1: dict.clear})
    code, view = verified(session)
    assert code == LedgerError.exit_code and view["integrity"] == "intact"
    assert (view["attestation"], view["attested"]) == ("contradicted", 0)
    assert all("does not name the records" in one for one in view["problems"] if "attestations/V1" in one)


def test_whoever_names_the_key_to_believe_believes_no_other_key_s_statement(session: SessionFolder) -> None:
    attest_session(session)
    host, own = reading_host(session), read_key(key_path()).public.fingerprint
    assert check_attestations(host, frozenset({own})).standing == "attested"
    found = check_attestations(host, frozenset({"SHA256:" + "A" * 43}))
    assert found.standing == "contradicted" and f"is signed by {own}" in found.problems[0]


def test_weights_that_were_changed_after_they_were_handed_on_are_found(
    session: SessionFolder, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    folder = Path(export(session, "--adapters", str(out))[0])
    assert verified(session, "--adapters", str(out))[0] == 0
    weights = folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0\0")
    code, view = verified(session, "--adapters", str(out))
    assert code == LedgerError.exit_code
    assert (
        view["first_bad"] == f"out/{folder.name}: adapter_model.safetensors is not the file that was attested"
    )
    export(session, "--adapters", str(out))
    assert verified(session, "--adapters", str(out))[0] == 0
    assert isinstance(
        run("verify", str(session.root), "--adapters", str(tmp_path / "none")).exception, ToolError
    )


def logs_of(folder: SessionFolder, out: Path) -> dict[str, EvalLog]:
    written = export(folder, "--inspect", str(out))
    assert sorted(written) == sorted(str(path) for path in out.iterdir())
    return {Path(path).name.partition("-")[0]: read_eval_log(path) for path in written}


def test_every_report_is_a_log_of_inspect_with_dev_by_item_and_the_rest_in_figures(
    session: SessionFolder, tmp_path: Path
) -> None:
    logs = logs_of(session, tmp_path / "logs")
    made = [body["artifacts"]["report"] for body in outcomes_of(session, "evaluate_model")]
    assert sorted(logs) == ["V1", "V2", "base"] and len(made) == 3
    benchmark = benchmark_of(session)
    items = {item.item_id: item for item in benchmark.of(Split.DEV)}
    for label, log in logs.items():
        about = log.eval.metadata
        assert about is not None and log.eval.task_version == benchmark.digest == about["benchmark_digest"]
        report = load_report(session.store, about["report"])
        assert log.eval.model == f"proda/{report.model}" and about["round"] == label
        assert log.samples is not None and {sample.id for sample in log.samples} == set(items)
        by_item = {sample.id: sample for sample in log.samples}
        for score in report.dev:
            sample, item = by_item[score.item_id], items[score.item_id]
            assert sample.input == item.stem  # by likelihood, options are not shown
            assert sample.choices == list(item.options) and sample.target == LETTERS[item.gold_index]
            assert sample.output.completion == score.output and sample.scores is not None
            value = sample.scores["dev"].value
            assert value == ("C" if score.correct else "I") and score.value is not None
            assert sample.scores["dev"].answer == LETTERS[score.answer or 0]
        assert log.results is not None
        for known in log.results.scores:
            scores = [score for score in getattr(report, known.name) if score.value is not None]
            right = sum(score.correct for score in scores) / len(scores)
            figures = {name: metric.value for name, metric in known.metrics.items()}
            assert figures["accuracy"] == pytest.approx(right) and known.scored_samples == len(scores)
            assert figures["accuracy_low"] <= right <= figures["accuracy_high"]
        assert [known.name for known in log.results.scores] == ["dev", "sealed", "general"]
    about = logs["V2"].eval.metadata or {}
    (judged,) = outcomes_of(session, "judge_candidate")
    assert about["verdict"] == judged["artifacts"]["verdict"]
    assert about["reasons"] == list(load_verdict(session.store, about["verdict"]).reasons)
    assert about["adapter"] == adapters_of(session)[1]
    assert about["mixture"] == load_adapter(session.store, about["adapter"]).mixture_id
    assert about["accepted"] == judged["meta"]["accepted"]
    first = logs["V1"].eval.metadata or {}
    why = {one.item_id: one.kind.value for one in load_diagnoses(session.store, first["diagnosis"])}
    told = {sample.id: sample.metadata.get("diagnosis") for sample in logs["V1"].samples or []}
    assert why and {key: kind for key, kind in told.items() if kind} == why


def test_inspect_dumps_the_log(session: SessionFolder, tmp_path: Path) -> None:
    path = export(session, "--inspect", str(tmp_path / "logs"))[-1]
    command = [str(Path(sys.executable).with_name("inspect")), "log", "dump", path]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    dumped = json.loads(done.stdout)
    assert dumped["status"] == "success" and dumped["eval"]["model"].startswith("proda/a_")
    assert len(dumped["samples"]) == len(benchmark_of(session).of(Split.DEV))


def test_an_unscored_item_and_one_asked_with_its_options_are_told_as_such(
    session: SessionFolder, tmp_path: Path
) -> None:
    report_id = outcomes_of(session, "evaluate_model")[0]["artifacts"]["report"]
    path = session.store.path("report", report_id) / "report.json"
    plain = json.loads(path.read_text(encoding="utf-8"))
    plain["dev"][0] |= {"value": None, "answer": None, "reason": "engine: gone", "output": ""}
    plain["dev"][1] |= {"value": 0.0, "answer": None, "reason": "format_error", "output": "Well."}
    path.write_text(json.dumps(plain), encoding="utf-8")
    manifest = path.with_name("manifest.json")
    kept = json.loads(manifest.read_text(encoding="utf-8"))
    kept["digest"] = ""  # as if it had been written before there was one
    kept["files"]["report.json"] = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(kept), encoding="utf-8")
    log = logs_of(session, tmp_path / "logs")["base"]
    by_item = {sample.id: sample for sample in log.samples or []}
    lost, odd = (by_item[plain["dev"][n]["item_id"]].scores or {} for n in (0, 1))
    assert isinstance(lost["dev"].value, float) and math.isnan(lost["dev"].value)
    assert lost["dev"].reason == "engine: gone"
    assert (odd["dev"].value, odd["dev"].answer, odd["dev"].reason) == ("I", None, "format_error")
    assert log.results is not None and log.results.scores[0].unscored_samples == 1


def test_exporting_twice_gives_the_same_bytes(session: SessionFolder, tmp_path: Path) -> None:
    both = []
    for name in ("one", "two"):
        out = tmp_path / name
        places = [str(out / part) for part in ("adapters", "logs", "trace.jsonl")]
        export(session, "--adapters", places[0], "--inspect", places[1], "--otlp", places[2])
        both.append(files_of(out))
    assert len(both[0]) == 2 * 4 + 3 + 1
    assert both[0] == both[1]


def test_no_export_holds_a_sealed_item(session: SessionFolder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(session)
    export(session, *("--adapters", str(out), "--inspect", str(out / "logs"), "--otlp", str(out / "trace")))
    seen = {}
    for path in [*out.rglob("*"), *session.attestations.rglob("*")]:
        if path.suffix == ".eval":
            with zipfile.ZipFile(path) as packed:
                seen |= {f"{path}:{name}": packed.read(name).decode() for name in packed.namelist()}
        elif path.is_file() and path.suffix != ".safetensors":
            seen[str(path)] = path.read_text(encoding="utf-8")
        if path.name == STATEMENT_FILE:
            seen[f"{path}:payload"] = json.dumps(statement_of(path.parent), ensure_ascii=False)
    benchmark = benchmark_of(session)
    assert len(benchmark.of(Split.SEALED)) >= 4
    assert any(item.stem in text for item in benchmark.of(Split.DEV) for text in seen.values())
    nothing_shows(benchmark, seen)
    assert not any(
        choice_prompt("", item.options) in text
        for item in benchmark.of(Split.SEALED)
        for text in seen.values()
    )


def test_an_export_that_there_is_nothing_for_or_no_package_for_is_refused(
    bench: Bench, session: SessionFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = bench.session(tmp_path / "new")
    new.decisions.touch()
    for option, error in (("--adapters", ToolError), ("--inspect", ToolError), ("--otlp", LedgerError)):
        refused = run("export", str(new.root), option, str(tmp_path / "none"))
        assert isinstance(refused.exception, error), option
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").touch()
    for option in ("--adapters", "--inspect", "--otlp"):
        refused = run("export", str(session.root), option, str(tmp_path / "file" / "out"))
        assert isinstance(refused.exception, ConfigError) and "cannot write to" in str(refused.exception)
    for option, package in (("--inspect", "tools.exports.eval_logs"), ("--otlp", "tools.exports.otlp")):
        monkeypatch.setitem(sys.modules, package, None)
        refused = run("export", str(session.root), option, str(tmp_path / "none"))
        assert isinstance(refused.exception, ConfigError) and "proda-agent[exports]" in str(refused.exception)
    assert not (tmp_path / "none").exists()
