"""Programs that tests start, and stop by their process ids."""

import ctypes
import os
import signal
import subprocess
from pathlib import Path

from support import processes
from support.waiting import wait_until

PR_SET_PDEATHSIG = 1


def _die_with_parent():
    """Kills the program when the tests end, even if those are killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Program:
    """A running program with its output in a file, in its own session, so that all its processes can be found."""

    def __init__(self, name, command, folder, environment=None, cwd=None):
        self.name = name
        self.log = Path(folder) / f"{name}.log"
        self._command = [str(part) for part in command]
        self._place = {"env": os.environ | (environment or {}), "cwd": cwd or folder}
        self.launch()

    def launch(self):
        """Starts the program, or restarts it after its end."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,
                **self._place,
            )

    @property
    def pid(self):
        return self.process.pid

    def output(self):
        return self.log.read_text(errors="replace")

    def wait_until(self, condition, what, timeout=30):
        """Waits for a condition; fails at once, with the output, if the program ends."""

        def met_or_ended():
            answer = condition()
            if not answer and self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode} before {what}:\n{self.tail()}")
            return answer

        try:
            return wait_until(met_or_ended, timeout, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.tail()}") from None

    def tail(self, lines=30):
        return "\n".join(self.output().splitlines()[-lines:])

    def wait(self, timeout=20):
        """Waits for the end; returns the exit code."""
        return self.process.wait(timeout)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, timeout=20):
        """Sends SIGTERM, and after a timeout SIGKILL to all remaining processes; returns the exit code."""
        everything = processes.of_session(self.pid)
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait(timeout)
        finally:
            for pid in filter(processes.is_alive, {*everything, *processes.of_session(self.pid)}):
                os.kill(pid, signal.SIGKILL)
