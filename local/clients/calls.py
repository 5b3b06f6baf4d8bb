"""What the Python programs of this folder share: one JSON line for each call of a client."""

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import threading


class Wrong(Exception):
    """An answer that is not the one a real server gives."""


def at(service):
    """Where the stack has a service, or its access key."""
    return os.environ["FEEDSTREAM_" + service]


def equal(got, want):
    if got != want:
        raise Wrong(f"got {got!r}, want {want!r}")


def refusing(name, function):
    """A call that a real server refuses as well, by this name."""

    def run():
        try:
            function()
        except Exception as e:
            if name not in str(e):
                raise Wrong(f"refused otherwise than by {name!r}: {e}") from e
            return
        raise Wrong(f"not refused by {name!r}")

    return run


class Client:
    def __init__(self, name, version):
        self.name, self.version = name, version

    def call(self, name, function, timeout=30):
        """Runs one call: an exception is the server's refusal, a wrong answer or none in time is a failure."""
        outcome = ["fails", f"no answer within {timeout} s"]

        def run():
            try:
                function()
                outcome[:] = "works", ""
            except (Wrong, subprocess.TimeoutExpired) as e:
                outcome[:] = "fails", str(e)
            except BaseException as e:
                outcome[:] = "refused", f"{type(e).__name__}: {e}"

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(timeout)
        result, detail = outcome
        print(
            json.dumps(
                {
                    "client": self.name,
                    "version": self.version,
                    "call": name,
                    "result": result,
                    "detail": detail[:2000],
                }
            ),
            flush=True,
        )
        return result == "works"

    def first(self, name, function):
        """Runs a call without which no other makes sense."""
        if not self.call(name, function):
            os._exit(0)

    def calls(self, functions):
        for name, function in functions.items():
            self.call(name, function)


def die_with_parent():
    """Has the kernel kill this process when the one that started it dies: a lane that is stopped leaves no tool behind."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def run(*command, timeout=25, input=None, matching="", lacking="Exception"):
    """Runs a tool and returns what it printed; it must end in time with 0 and print what a pattern matches."""
    done = subprocess.run(
        command,
        input=input,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout,
        preexec_fn=die_with_parent if sys.platform == "linux" else None,
    )
    if done.returncode != 0 or lacking in done.stdout:
        raise RuntimeError(f"exit {done.returncode}: {done.stdout[-1500:]}")
    if not re.search(matching, done.stdout, re.M | re.S):
        raise Wrong(f"nothing like {matching!r} in {done.stdout[-1500:]!r}")
    return done.stdout
