"""Workers that hang, die or stop are seen; none is left behind."""

import os
import sys
import time

import pytest

from twinset.errors import StoppedError
from twinset.progress import time_limit
from twinset.scale.processes import DIED, LATE, run_tasks

WORKER = """
import os, subprocess, sys, time
print("ready", flush=True)
for line in sys.stdin:
    n = int(line)
    if n == 3:
        os._exit(9)
    if n == 5:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        time.sleep(60)
    print("a library says hello")
    print(n, "done", os.environ["OMP_NUM_THREADS"], os.getpid(), flush=True)
"""


@pytest.mark.parametrize("workers", [1, 3])
def test_every_task_has_an_answer(workers):
    began = time.monotonic()
    found = dict(run_tasks([sys.executable, "-c", WORKER], range(9), workers=workers, seconds=1.5))
    assert sorted(found) == list(range(9))
    assert found.pop(3) == DIED
    assert found.pop(5) == LATE
    assert {a.rsplit(" ", 1)[0] for a in found.values()} == {"done 1"}
    assert time.monotonic() - began < 20


def test_no_worker_outlives_the_call():
    pids = []

    def run():
        command = [sys.executable, "-c", WORKER]
        for _, answer in run_tasks(command, [0, 1, 5, 5], workers=2, seconds=30):
            pids.append(int(answer.split()[-1]))

    with pytest.raises(StoppedError), time_limit(1.0):
        run()
    assert pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_no_tasks_no_workers():
    assert list(run_tasks(["there-is-no-such-command"], [], workers=2, seconds=1)) == []
