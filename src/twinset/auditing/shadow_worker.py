"""The worker of a pool of shadow models: fits, samples, keeps numbers, forgets the rest.

Run as ``python -m twinset.auditing.shadow_worker FOLDER``; see `twinset.scale.processes`.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from twinset import registry
from twinset.arrays import Floats
from twinset.auditing.reconstruction_curve import curve_numbers, curve_sides
from twinset.auditing.shadows import BROKEN, Pool
from twinset.errors import InputError, StorageError, TwinsetError
from twinset.inputs import Options, read_like
from twinset.protocols import Density
from twinset.scale.local import use_workers
from twinset.stats.records import encode, encoded_columns
from twinset.stats.seeds import stream
from twinset.table.canonical import to_raw
from twinset.table.table import Table
from twinset.table.write import write_table
from twinset.twin import Twin

__all__ = ["main", "work"]


_NEVER = -1e4  # log probability of what a model never makes
_ADVERSARY = 2_000  # rows of the population that the adversary holds
_RAISED = (
    TwinsetError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class _FailedError(Exception):
    """A fit that gave no release; its words are one of `shadows.FAILURES`."""


def main(folder: str) -> None:
    """Read numbers of fits from standard input until it ends; answer with how each went."""
    pool = Pool.open(Path(folder))
    attacks = [registry.configure("attacks", n) for n in pool.plan.attacks]
    known = _adversary(pool)
    answers = sys.stdout
    sys.stdout = sys.stderr  # what a generator prints is not an answer
    answers.write("ready\n")
    answers.flush()
    with use_workers(1):
        for line in sys.stdin:
            fit = int(line)
            answers.write(f"{fit} {work(pool, attacks, known, fit)}\n")
            answers.flush()


def work(pool: Pool, attacks: list[Any], known: Table, fit: int) -> str:
    """Do one fit; return "ok" or how it failed, which is then kept."""
    try:
        if fit == pool.plan.curve_task:
            pool.keep(fit, _curve(pool))
        else:
            release, losses = _release(pool, fit)
            pool.keep(fit, _numbers(pool, attacks, known, release, losses))
    except _FailedError as failed:
        pool.fail(fit, str(failed))
        return str(failed)
    except StorageError:
        return "disk"
    except _RAISED as error:
        reason = f"raised {type(error).__name__}"
        pool.fail(fit, reason)
        return reason
    return "ok"


def _adversary(pool: Pool) -> Table:
    """Rows that the adversary holds: the same for all fits."""
    rng = stream(pool.plan.seed, "shadow", "adversary")
    others = np.setdiff1d(np.arange(pool.table.num_rows), np.asarray(pool.plan.targets))
    return pool.table.take(np.sort(rng.permutation(others)[:_ADVERSARY]))


def _release(pool: Pool, fit: int) -> tuple[Table, list[Floats]]:
    """Return what a fit releases, and what its model says of rows, if it says it."""
    plan = pool.plan
    train = pool.train(fit)
    rng = stream(plan.seed, "shadow", "fit", fit)
    if fit >= plan.fits:  # a control: copies of train rows
        return train.take(rng.integers(0, train.num_rows, plan.released)), []
    made, twin = _fitted(pool, train, plan.released, rng)
    return made, [] if twin is None else _log_probs(pool, twin, train)


def _curve(pool: Pool) -> dict[str, Any]:
    """Fit once, and reconstruct a column from parts of a large release."""
    train, others = curve_sides(pool)
    rng = stream(pool.plan.seed, "shadow", "curve", "fit")
    release, _ = _fitted(pool, train, pool.plan.curve, rng)
    return curve_numbers(pool.plan, train, others, release)


def _fitted(
    pool: Pool, train: Table, rows: int, rng: np.random.Generator
) -> tuple[Table, Twin | None]:
    """Return so many rows of a generator fitted on `train`, and its twin, if it is one of ours."""
    plan = pool.plan
    if plan.command:
        return _commanded(pool, train, rows), None
    seed = int(rng.integers(2**31))
    twin = Twin.fit(train, plan.generator, plan.options, seed=seed, protect=plan.protect)
    drawn = [d.table for d in twin.draws(rows)]
    made = Table(drawn[0].schema, pa.concat_tables([t.data for t in drawn]))
    return _checked(made, rows), twin


def _log_probs(pool: Pool, twin: Twin, train: Table) -> list[Floats]:
    """Log probability of train rows, targets, and targets with another secret; [] if not known."""
    model = twin.model
    if not isinstance(model, Density):
        return []
    others = [pool.others] if pool.plan.secret else []
    targets = pool.table.take(np.asarray(pool.plan.targets, dtype=np.int64))
    names = list(twin.encoding.encoded.names)
    try:
        tables = [twin.encoding.encode(t.select(names)) for t in (train, targets, *others)]
        made = [model.log_prob(t) for t in tables]
    except (ValueError, ArithmeticError, LookupError, TypeError):
        return []
    return [np.clip(np.nan_to_num(m, nan=_NEVER, neginf=_NEVER), _NEVER, None) for m in made]


def _commanded(pool: Pool, train: Table, released: int) -> Table:
    """Run someone's generator on files inside the pool's folder; no shell takes part."""
    command = pool.plan.command
    with tempfile.TemporaryDirectory(dir=pool.work) as folder:
        there, out = Path(folder) / "train.csv", Path(folder) / "synthetic.csv"
        write_table(to_raw(train), there)
        places = {"{train}": str(there), "{n}": str(released), "{out}": str(out)}
        words = []
        for word in shlex.split(command):
            for name, value in places.items():
                word = word.replace(name, value)
            words.append(word)
        done = subprocess.run(  # noqa: S603
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise _FailedError("raised")
        if not out.exists():
            raise _FailedError("too few rows")
        try:
            made = read_like(str(out), train, Options())
        except InputError as error:
            raise _FailedError(
                "too few rows" if error.got == "no rows" else "another schema"
            ) from None
    return _checked(made, released)


def _checked(made: Table, released: int) -> Table:
    if made.num_rows < released:
        raise _FailedError("too few rows")
    return made.take(np.arange(released)) if made.num_rows > released else made


def _numbers(
    pool: Pool, attacks: list[Any], known: Table, release: Table, losses: list[Floats]
) -> dict[str, Any]:
    """Reduce a release to what each attack needs; of one that breaks the type of its error."""
    columns = encoded_columns(pool.table)
    targets = pool.table.take(np.asarray(pool.plan.targets, dtype=np.int64))
    others = [pool.others] if pool.plan.secret else []
    r, s, *x = encode([known, release, targets, *others], columns=columns)
    found = {}
    for attack in attacks:
        try:
            if attack.threat_model.generator == "white-box":
                if losses:
                    train, *own = losses
                    found[attack.name] = _sound([attack.weigh(o, train) for o in own], len(own[0]))
                continue
            made = [attack.describe(t, s, auxiliary=r) for t in x]
            found[attack.name] = _sound(made, targets.num_rows)
        except (ValueError, ArithmeticError, IndexError, TypeError) as error:
            found[f"{attack.name}{BROKEN}"] = np.array(type(error).__name__)
    return found


def _sound(made: list[Any], targets: int) -> Any:
    """Return the numbers for the targets; less those with another secret, if there is one."""
    made = [np.asarray(m, dtype=np.float32) for m in made]
    numbers = made[0] - made[1] if len(made) > 1 and len(made[0]) > 1 else made[0]
    if numbers.ndim != 2 or len(numbers) not in (1, targets) or not np.isfinite(numbers).all():
        raise ValueError("numbers of a wrong shape, or not finite")
    return numbers


if __name__ == "__main__":
    main(sys.argv[1])
