"""What a server executes: instructions of its own code and its libraries', by
callgrind, and system calls, by strace.

    callgrind = Callgrind(os.path.join(folder, "out"))
    with start_server(wrapper=callgrind.wrapper) as server:
        with callgrind.counting(pid):
            ... calls ...
    callgrind.instructions(pid)

Unlike times both come out the same each time, up to what the kernel happens to
deliver together. callgrind slows a server down fifty times.
"""

import contextlib
import glob
import re
import signal
import subprocess


class Callgrind:
    """Counts instructions of processes that run under its wrapper."""

    def __init__(self, out, by_thread=False):
        """`out` begins the names of the files to be written."""
        self._out = out
        self.wrapper = [
            "valgrind", "--tool=callgrind", "--instr-atstart=no",
            "--separate-threads=" + ("yes" if by_thread else "no"),
            "--callgrind-out-file=" + out + ".%p"]

    @contextlib.contextmanager
    def counting(self, pid):
        """Counts what the process executes, once for each process."""
        self._control(pid, "--instr=on")
        try:
            yield
        finally:
            self._control(pid, "--instr=off")
            # Now: not every process ends so that callgrind gets to write.
            self._control(pid, "--dump")

    @staticmethod
    def _control(pid, what):
        subprocess.run(["callgrind_control", what, str(pid)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def file(self, pid):
        """What was counted, for callgrind_annotate."""
        return "%s.%d.1" % (self._out, pid)

    def instructions(self, pid):
        """How many were counted."""
        with open(self.file(pid), encoding="utf-8", errors="replace") as lines:
            return max(int(line.split()[1]) for line in lines
                       if line.startswith(("summary:", "totals:")))

    def instructions_of_loops(self, pid):
        """How many were counted on the gateway's event loops, without those of
        SHA-256, which is one instruction here and dozens there, and of lines
        of the log, of which there are so many a second; by thread."""
        total = 0
        for file in glob.glob(self.file(pid) + "-*"):
            listed = _functions(file)
            if not any("gateway::EventLoop::Run" in place
                       for _, place in listed):
                continue
            total += sum(count for count, place in listed
                         if "libcrypto" not in place)
            total -= count_within(_functions(file, "--inclusive=yes"),
                                  ("Log(",))
        return total

    def instructions_within(self, pid, names):
        """How many were counted in the functions, and whatever they call,
        whose names begin so, none of which calls another one."""
        return count_within(_functions(self.file(pid), "--inclusive=yes"),
                            names)


def _functions(file, *flags):
    """What callgrind tells of each function: its count, and where it is."""
    return parse_functions(subprocess.run(
        ["callgrind_annotate", "--auto=no", "--threshold=100", *flags, file],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        check=True).stdout)


def parse_functions(listed):
    """The same of callgrind_annotate's words."""
    return [(int(count.replace(",", "")), place) for count, place in re.findall(
        r"^ *([\d,]+) \([^)]*\)  *(.*)$", listed, re.MULTILINE)
            if place != "PROGRAM TOTALS"]


def count_within(functions, names):
    """What those have whose names in `gateway` begin so."""
    wanted = [":gateway::" + name for name in names]
    return sum(count for count, place in functions
               if any(name in place for name in wanted))


class SystemCalls:
    """Counts the system calls of a process, all threads of it, while it is
    entered."""

    def __init__(self, pid, out):
        self._pid = pid
        self._out = out
        self._strace = None

    def __enter__(self):
        self._strace = subprocess.Popen(
            ["strace", "-f", "-c", "-o", self._out, "-p", str(self._pid)],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        attached = self._strace.stderr.readline()
        if "attached" not in attached:
            self._strace.kill()
            self._strace.wait()
            raise RuntimeError("strace: " + attached.strip())
        return self

    def __exit__(self, *_):
        self._strace.send_signal(signal.SIGINT)
        self._strace.communicate()

    def total(self):
        """How many there were, once it has been left."""
        with open(self._out, encoding="utf-8") as lines:
            for line in lines:
                words = line.split()
                if words and words[-1] == "total":
                    return int(words[3])
        return 0
