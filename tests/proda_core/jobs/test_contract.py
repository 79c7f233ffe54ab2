"""What names a job, and what the host may import to talk about one."""

from __future__ import annotations

import subprocess
import sys

from proda_core.jobs import JobRequest
from proda_core.serialize import from_plain, to_plain


def test_a_jobs_id_comes_from_its_content_and_survives_json() -> None:
    request = JobRequest(
        "train", "proda_core.training.job:run", {"seed": 1, "xs": (1, 2)}, {"mixture": "m_1"}
    )
    same = from_plain(JobRequest, to_plain(request))
    assert same.job_id == request.job_id
    assert JobRequest("train", request.entry_point, {"seed": 2}, request.inputs).job_id != request.job_id


def test_the_host_side_imports_without_torch() -> None:
    program = (
        "import sys, proda_core.jobs, proda_core.ledger, proda_core.log, proda_core.session;"
        "sys.exit(' '.join({'torch', 'transformers', 'kuzu', 'pyarrow'} & set(sys.modules)) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
