"""Made-up and hostile input does no harm; the program tries more if asked to."""

from __future__ import annotations

import re
import subprocess
import sys

from moderation.settings import PROJECT_ROOT


def test_whatever_is_fed_is_read_or_refused_and_in_linear_time():
    program = [sys.executable, PROJECT_ROOT / "benchmarks" / "fuzz.py", "--examples", "100"]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    fed = re.findall(r"^(\S.*?) +100 +[\d.]+ ms$", done.stdout, re.MULTILINE)
    assert len(fed) == 10, done.stdout
    assert len(re.findall(r" ms +-?[\d.]+$", done.stdout, re.MULTILINE)) == 6
    assert len(re.findall(r" 100 +[\d.]+ µs$", done.stdout, re.MULTILINE)) == 3
