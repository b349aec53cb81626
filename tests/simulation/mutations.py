"""Plants mistakes in the gateway, and sees that the simulator finds each.

  python3 -m tests.simulation.mutations              # all, some ten minutes
  python3 -m tests.simulation.mutations breaker      # those with this in the
                                                     # name

Works on a copy of the tree. A mistake is a text of a source and what stands in
its place; one whose text is not there once, since the source has changed, is
told, and fails.
"""

import os
import re
import subprocess
import sys
import tempfile

_SEEDS = "--seeds=0-1999"

_BREAKER = "service/resilience/circuit_breaker.cc"
_BUDGET = "service/resilience/retry_budget.cc"
_LIVE_ATTEMPT = "service/pipeline/live_attempt.cc"
_NEXT_ATTEMPT = "service/pipeline/next_attempt.cc"
_OPEN_STREAM = "service/pipeline/open_stream.cc"
_TARGET_PERMIT = "service/pipeline/target_permit.cc"
_PIPELINE = "service/pipeline/pipeline.cc"

# (what is wrong, in which source, its text, what stands there instead)
MUTATIONS = [
    ("a breaker never opens", _BREAKER,
     "bool CircuitBreaker::ShouldOpen(int64_t now_second) const {",
     "bool CircuitBreaker::ShouldOpen(int64_t now_second) const {\n"
     "  if (now_second >= 0) return false;"),
    ("a breaker rests a millisecond less", _BREAKER,
     "open_until_.store(now + absl::ToInt64Nanoseconds(options_.open_duration)",
     "open_until_.store(now - 1000000 + "
     "absl::ToInt64Nanoseconds(options_.open_duration)"),
    ("a breaker rests a millisecond more", _BREAKER,
     "open_until_.store(now + absl::ToInt64Nanoseconds(options_.open_duration)",
     "open_until_.store(now + 1000000 + "
     "absl::ToInt64Nanoseconds(options_.open_duration)"),
    ("a half-open breaker lets everybody through", _BREAKER,
     "if (probes_ >= options_.half_open_probes) return std::nullopt;", ""),
    ("a breaker keeps the place of a probe that was given up", _BREAKER,
     "if (word_.load(std::memory_order_relaxed) == word) --probes_;",
     "if (word_.load(std::memory_order_relaxed) == word) probes_ += 0;"),
    ("a breaker counts what is no fault of the target", _BREAKER,
     "} else if (BlamesTarget(ClassifyFailure(outcome, abandoned))) {",
     "} else if (BlamesTarget(ClassifyFailure(outcome, abandoned)) || true) {"),
    ("a breaker is not asked", _TARGET_PERMIT,
     "if (!breaker.has_value()) {",
     "if (!breaker.has_value()) breaker = state.breaker.TryAcquire("
     "absl::InfiniteDuration());\n  if (!breaker.has_value()) {"),
    ("a stream that breaks off is none of the breaker's business",
     _LIVE_ATTEMPT, "if (!goes_on || attempt_.permit->is_probe()) ",
     "if (!goes_on || attempt_.permit->is_probe() || true) "),
    ("the budget of retries is not kept", _BUDGET,
     "if (in_flight >= limit) {", "if (in_flight >= limit + 1000) {"),
    ("places of the budget are not given back", "service/resilience/"
     "retry_budget.h",
     "if (count_ != nullptr) count_->fetch_sub(1, std::memory_order_relaxed);",
     ""),
    ("attempts_limit is one more", "service/resilience/retry.cc",
     "attempts >= attempts_max_", "attempts >= attempts_max_ + 1"),
    ("a stream that broke off is asked for again", _PIPELINE,
     "          co_await DeliverStream(call, *attempt, sink, recorder, open, "
     "held);\n",
     "          co_await DeliverStream(call, *attempt, sink, recorder, open, "
     "held);\n"
     "      if (FaultReason(outcome) == v1::ERROR_REASON_STREAM_INTERRUPTED) {\n"
     "        outcome = co_await AskTargets(call, call.attempts, &open);\n"
     "      }\n"),
    ("a stream is passed on before its content", _OPEN_STREAM,
     "if (batch.content_events > 0 || open->ended) {", "if (true) {"),
    ("a call has no deadline", _PIPELINE,
     "call.loop.ArmTimer(timer_, timeout);", ""),
    ("a caller who leaves is not heard", _LIVE_ATTEMPT,
     "attempt->cancel.Cancel(call.cancel.status());", ""),
    ("a call that is over is answered once more", _PIPELINE,
     "const absl::Status sent = co_await sink.SendAnswer(call);",
     "const absl::Status sent = co_await sink.SendAnswer(call);\n"
     "    (co_await sink.SendEnd(call, outcome)).IgnoreError();"),
    ("attempts that fail are said to have answered", _LIVE_ATTEMPT,
     "attempt_.answered = outcome.ok();", "attempt_.answered = true;"),
    ("no other target is asked", _NEXT_ATTEMPT,
     "bool MayGoElsewhere(const absl::Status& failure, bool abandoned) {",
     "bool MayGoElsewhere(const absl::Status& failure, bool abandoned) {\n"
     "  if (abandoned || !failure.ok()) return false;"),
    ("the last target may be ejected", "service/resilience/"
     "outlier_ejection.cc",
     "std::min(targets * options_.max_ejected_percent / 100, targets - 1), 0)",
     "std::min(targets * options_.max_ejected_percent / 100, targets), 0)"),
    ("a credential cools a millisecond less", "service/resilience/"
     "credential_pool.cc",
     "const int64_t until = now_nanos + absl::ToInt64Nanoseconds(",
     "const int64_t until = now_nanos - 1000000 + absl::ToInt64Nanoseconds("),
    ("a credential that was refused is sent again", "service/resilience/"
     "credential_pool.cc",
     "if (from <= now_nanos) return {.index = turn};",
     "if (from <= now_nanos || from == kNever) return {.index = turn};"),
    ("a hedge that lost goes on", "service/pipeline/hedged_attempt.cc",
     "  attempt.cancel.Cancel(MakeFault(v1::ERROR_REASON_CANCELLED,\n"
     "                                  \"another target was first to "
     "answer\"));\n", ""),
    ("weights count for nothing", "service/routing/balancing.cc",
     "weights_.push_back(targets[target].weight);", "weights_.push_back(1);"),
    ("chance is the machine's", "service/resilience/backoff.cc",
     "* random.UniformDouble()",
     "* (random.UniformDouble(), SystemRandom().UniformDouble())"),
]


class Tree:
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
        subprocess.run(["bazel", "shutdown"], cwd=self._folder, check=False)
        subprocess.run(["git", "worktree", "remove", "--force", self._folder],
                       check=True)

    def simulate(self):
        """Builds it and runs it twice; returns what went wrong, or None."""
        subprocess.run(
            ["bazel", "build", "--jobs=1", "--noshow_progress",
             "--ui_event_filters=-info,-warning,-debug",
             *os.environ.get("BAZEL_FLAGS", "").split(),
             "//tests/simulation:simulate"],
            cwd=self._folder, check=True, stderr=subprocess.PIPE)
        said = [
            subprocess.run(["bazel-bin/tests/simulation/simulate", _SEEDS],
                           cwd=self._folder, check=False, timeout=600,
                           stdout=subprocess.PIPE, text=True)
            for _ in range(2)]
        if said[0].returncode != 0:
            lines = said[0].stdout.splitlines()
            return lines[0] if lines else f"exit code {said[0].returncode}"
        if said[0].stdout != said[1].stdout:
            return "another trace in each process"
        return None

    def replace(self, path, text, other):
        path = os.path.join(self._folder, path)
        with open(path, encoding="utf-8") as file:
            before = file.read()
        if before.count(text) != 1:
            raise ValueError(f"the text is there {before.count(text)} times")
        with open(path, "w", encoding="utf-8") as file:
            file.write(before.replace(text, other))
        return before

    def restore(self, path, before):
        with open(os.path.join(self._folder, path), "w",
                  encoding="utf-8") as file:
            file.write(before)


def find(tree, path, text, other):
    """Returns whether the mistake was found, and how."""
    try:
        before = tree.replace(path, text, other)
    except ValueError as problem:
        return False, f"does not apply to {path}: {problem}"
    try:
        found = tree.simulate()
    except subprocess.CalledProcessError as problem:
        return False, "does not build: " + problem.stderr.decode()[-2000:]
    except subprocess.TimeoutExpired:
        return True, "never ends"
    finally:
        tree.restore(path, before)
    return found is not None, found or "NOT FOUND"


def main(names):
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(os.path.join(folder, "tree"))
        try:
            for name, path, text, other in MUTATIONS:
                if names and not any(re.search(each, name) for each in names):
                    continue
                found, how = find(tree, path, text, other)
                missed += not found
                print(f"{'found ' if found else 'MISSED'}  {name}: {how}",
                      flush=True)
        finally:
            tree.remove()
    print(f"{missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
