"""Entry point: one clear line and an exit code for whatever goes wrong."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import typer

from twinset.cli.app import app
from twinset.errors import InputError, StoppedError, TwinsetError

__all__ = ["main"]

_UsageError: type[Exception] = typer.BadParameter.__mro__[2]  # typer brings its own click
_INTERNAL = 4
_STOPS = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]
_WRONG_VALUE = re.compile(
    r"Invalid value for '?(?P<what>[^']+?)'?: Input should be (?P<allowed>[^,]+)"
)
_WRONG_PLACE = (PermissionError, FileNotFoundError, IsADirectoryError, NotADirectoryError)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 gate missed, 2 input, 3 resumable, 4 internal."""
    code = _run(arguments)
    if arguments is None:
        _leave(code)
    sys.exit(code)


def _leave(code: int) -> NoReturn:
    """End the process without taking the interpreter down.

    A reader thread of Arrow that comes back to Python while that happens aborts the process: one in
    ten calls that ended with an input error just after reading had exit code 134.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    for number in _STOPS:
        signal.signal(number, _stop)
    try:
        asked = (sys.argv[1:] if arguments is None else list(arguments)) or ["--help"]
        code = app(asked, prog_name="twinset", standalone_mode=False)
        sys.stdout.flush()
    except TwinsetError as error:
        return _say(str(error), error.exit_code)
    except _UsageError as error:
        return _say(_usage(error), 2)
    except typer.Abort:
        return _say("interrupted; the same command goes on", StoppedError.exit_code)
    except BrokenPipeError:
        return _unheard()
    except SystemExit as ended:  # so typer ends when a pipe breaks
        if isinstance(ended.__context__, BrokenPipeError):
            return _unheard()
        raise
    except MemoryError:
        return _say("out of memory; hint: --max-rows reads a sample of the rows", _INTERNAL)
    except OSError as error:
        code = InputError.exit_code if isinstance(error, _WRONG_PLACE) else _INTERNAL
        return _say(f"{error.filename or 'file'}: {(error.strerror or 'failed').lower()}", code)
    except Exception as error:
        if os.environ.get("TWINSET_TRACEBACK"):
            raise
        kind = type(error).__name__
        return _say(f"internal failure ({kind}); TWINSET_TRACEBACK=1 shows where", _INTERNAL)
    return code if isinstance(code, int) else 0


def _unheard() -> int:
    """Who reads our output has enough: that is no failure, and closing must not raise either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
    return 0


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise StoppedError("interrupted; finished work is kept and the same command goes on")


def _usage(error: BaseException) -> str:
    message = getattr(error, "format_message", lambda: str(error))()
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "twinset"
    text = " ".join(str(message).split())
    if said := _WRONG_VALUE.match(text):
        allowed = said["allowed"].replace("greater than or equal to", "at least")
        return f"{said['what']}; allowed: {allowed}; hint: {path} --help"
    return f"{text} hint: {path} --help"


def _say(message: str, code: int) -> int:
    sys.stderr.write(f"twinset: {' '.join(message.splitlines())}\n")
    return code
