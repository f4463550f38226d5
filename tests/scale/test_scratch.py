"""Temporary folders with confidential files."""

import os
import subprocess
import sys
import tempfile
import time

import pytest

from twinset.scale.scratch import scratch_folder

HOLD = """
import sys, time
from twinset.scale.scratch import scratch_folder
with scratch_folder("test-") as folder:
    (folder / "table.arrow").write_text("x")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks on Windows")
def test_what_a_killed_process_left_goes_and_what_one_at_work_has_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    command = [sys.executable, "-c", HOLD]
    held = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        folders = [p.stdout.readline().strip() for p in held]
        held[0].kill()
        held[0].wait()
        for folder in folders:
            os.utime(folder, (time.time() - 3600,) * 2)
        with scratch_folder("test-") as mine:
            assert mine.stat().st_mode & 0o077 == 0
            assert [os.path.exists(f) for f in folders] == [False, True]
        assert not mine.exists()
    finally:
        for process in held:
            process.kill()
            process.communicate()
