"""Size of the code by room, and how many files one call goes through.

``python benchmarks/structure.py --source src`` prints code lines (without blank lines, comments and
docstrings), docstring lines, lines that name a kind of column, and the files of twinset that
``twin.sample(where=)`` runs through, on two columns and one worker.
"""

from __future__ import annotations

import argparse
import ast
import collections
import io
import os
import re
import subprocess
import sys
import tokenize
from pathlib import Path

BLANK = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
WALK = """
import sys
import numpy as np, pandas as pd
import twinset as ts
from twinset.scale.local import use_workers
rng = np.random.default_rng(0)
frame = pd.DataFrame({"a": rng.choice(list("xyz"), 500), "b": rng.integers(0, 90, 500)})
twin, files = ts.fit(frame, seed=0, workers=1), set()
def seen(frame, event, arg):
    name = frame.f_code.co_filename
    if "twinset/" in name:
        files.add(name.rpartition("twinset/")[2])
sys.setprofile(seen)
with use_workers(1):
    twin.sample(100, where="b >= 50")
sys.setprofile(None)
print(*sorted(files), sep="\\n")
"""


def lines_of(path: Path) -> tuple[int, int]:
    """Code lines and docstring lines of a file."""
    text = path.read_text(encoding="utf-8")
    doc: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        for part in getattr(node, "body", []) if isinstance(getattr(node, "body", 0), list) else []:
            value = getattr(part, "value", None) if isinstance(part, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                doc |= set(range(part.lineno, (part.end_lineno or part.lineno) + 1))
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in BLANK:
            code |= set(range(token.start[0], token.end[0] + 1))
    return len(code - doc), len(doc)


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, default=Path("src"))
    source = parser.parse_args().source.resolve()
    code: collections.Counter[str] = collections.Counter()
    docs: collections.Counter[str] = collections.Counter()
    kinds = files = 0
    for path in sorted((source / "twinset").rglob("*.py")):
        parts = path.relative_to(source / "twinset").parts
        room = parts[0]
        own, said = lines_of(path)
        code[room], docs[room], files = code[room] + own, docs[room] + said, files + 1
        kinds += len(re.findall(r"(?m)^.*Kind\.[A-Z].*$", path.read_text(encoding="utf-8")))
    for room, number in code.most_common():
        print(f"{number:7,} code {docs[room]:6,} docstrings  {room}")
    print(f"{sum(code.values()):7,} code {sum(docs.values()):6,} docstrings  in {files} files")
    print(f"{kinds:7,} lines name a kind of column")
    environment = {**os.environ, "PYTHONPATH": str(source)}
    walked = subprocess.run(
        [sys.executable, "-c", WALK], env=environment, capture_output=True, text=True, check=True
    )
    names = walked.stdout.split()
    print(f"{len(names):7,} files run by sample(where=): {', '.join(names)}")


if __name__ == "__main__":
    main()
