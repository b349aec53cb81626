"""Plants mistakes in the gateway, and sees that the simulator finds each.

  python3 -m tests.simulation.mutations              # all, some fifty minutes
  python3 -m tests.simulation.mutations breaker      # those with this in the
                                                     # name

Works on a copy of the tree. The mistakes are in planted_mistakes.py; one that
does not apply, since its source has changed, fails, and so does one that does
not build.
"""

import os
import re
import subprocess
import sys
import tempfile
import threading

from tests.simulation.planted_mistakes import MISTAKES

_SEEDS = "--seeds=0-1999"
# What is compiled once for each mistake takes half of the compiler's time so.
_IN_NO_HURRY = (
    "--per_file_copt="
    "^//service/(budgets|ledger|pipeline|resilience|routing)[/:].*"
    "@-Og,-foptimize-sibling-calls")
# With some mistakes a scenario never ends.
_PATIENCE_SECONDS = 300
_COUNT = re.compile(r"\d+ scenarios, \d+ of them break a rule")


def plant(source, mistake):
    """Returns the source with the mistake in it."""
    count = source.count(mistake.text)
    if count != 1:
        raise ValueError(f"its text is in {mistake.path} {count} times")
    return source.replace(mistake.text, mistake.instead)


class Copy:
    """A copy of the committed tree, with what has been changed since."""

    def __init__(self, folder):
        self._folder = folder
        subprocess.run(["git", "worktree", "add", "--detach", "--quiet",
                        folder], check=True)
        changes = subprocess.run(["git", "diff", "HEAD", "--binary"],
                                 check=True, stdout=subprocess.PIPE).stdout
        if changes:
            subprocess.run(["git", "apply"], input=changes, cwd=folder,
                           check=True)

    def remove(self):
        # That of the copy alone: each tree has a server of its own.
        subprocess.run(["bazel", "shutdown"], cwd=self._folder, check=False)
        subprocess.run(["git", "worktree", "remove", "--force", self._folder],
                       check=True)

    def build(self):
        subprocess.run(
            ["bazel", "build", "--noshow_progress",
             "--ui_event_filters=-info,-warning,-debug",
             *os.environ.get("BAZEL_FLAGS", "").split(), _IN_NO_HURRY,
             "//tests/simulation:simulate"],
            cwd=self._folder, check=True, stderr=subprocess.PIPE)

    def simulate(self):
        """Yields what the simulator says, line by line."""
        with subprocess.Popen(
                ["bazel-bin/tests/simulation/simulate", _SEEDS],
                cwd=self._folder, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True) as simulator:
            patience = threading.Timer(_PATIENCE_SECONDS, simulator.kill)
            patience.start()
            try:
                yield from simulator.stdout
                if simulator.wait() < 0:
                    yield f"it ends by signal {-simulator.returncode}"
            finally:
                patience.cancel()
                simulator.kill()

    def edit(self, path, change):
        """Changes a file, and returns what it was before."""
        path = os.path.join(self._folder, path)
        with open(path, encoding="utf-8") as file:
            before = file.read()
        after = change(before)
        with open(path, "w", encoding="utf-8") as file:
            file.write(after)
        return before


def broken_rules(copy):
    """Yields what the simulator finds wrong."""
    first = []
    for line in copy.simulate():
        first.append(line.strip())
        if not _COUNT.match(line):
            yield first[-1]
    # The same seeds once more, in a process whose memory lies elsewhere.
    if [line.strip() for line in copy.simulate()] != first:
        yield "another trace in each process"


def find(copy, mistake):
    """Returns whether the mistake was found, and how."""
    try:
        before = copy.edit(mistake.path, lambda text: plant(text, mistake))
    except (OSError, ValueError) as problem:
        return False, f"does not apply: {problem}"
    others = []
    try:
        copy.build()
        # To go on once it is found would take long.
        found = ""
        for line in broken_rules(copy):
            if mistake.said not in line:
                others.append(line)
            elif not mistake.alone:
                return True, line
            else:
                found = found or line
        if found and not others:
            return True, found
    except subprocess.CalledProcessError as problem:
        return False, "does not build: " + problem.stderr.decode()[-2000:]
    finally:
        copy.edit(mistake.path, lambda _: before)
    if not others:
        return False, "NOT FOUND"
    only = "only " if mistake.alone else ""
    return False, (f"no rule says {only}`{mistake.said}`; the first says "
                   f"{others[0]}")


def main(names):
    """Plants those whose names match, or all."""
    wanted = [mistake for mistake in MISTAKES
              if not names or any(re.search(each, mistake.name)
                                  for each in names)]
    if not wanted:
        print("no mistake has such a name")
        return 2
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(os.path.join(folder, "tree"))
        try:
            copy.build()
            lines = list(broken_rules(copy))
            if lines:
                print(f"without a mistake: {lines[0]}")
                return 1
            for mistake in wanted:
                found, how = find(copy, mistake)
                missed += not found
                print(f"{'found ' if found else 'MISSED'}  {mistake.name}: "
                      f"{how}", flush=True)
        finally:
            copy.remove()
    print(f"{len(wanted) - missed} found, {missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
