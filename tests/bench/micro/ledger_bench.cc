// What a large ledger costs to write, to open, to index, to search and to
// verify, in seconds and in those of a core. Makes the file that it is given,
// unless that is there.
//
//   bazel run //tests/bench/micro:ledger_bench -- /var/tmp/ledger.db 10000000

#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "service/ledger/ledger_check.h"
#include "service/ledger/ledger_index.h"
#include "service/ledger/ledger_log.h"
#include "tests/service/ledger/generated_ledger.h"

namespace gateway {
namespace {

// As many calls as are committed together under load.
constexpr int64_t kCallsInCommit = 25;

void Require(const absl::Status& status) {
  if (status.ok()) return;
  fprintf(stderr, "%s\n", status.ToString().c_str());
  exit(1);
}

// What something took, and how much of that the cores did.
struct Taken {
  double seconds = 0;
  double core_seconds = 0;
};

Taken Time(const std::function<void()>& run) {
  const absl::Duration start = SystemClock().SteadyTime();
  const std::clock_t core_start = std::clock();
  run();
  return {.seconds = absl::ToDoubleSeconds(SystemClock().SteadyTime() - start),
          .core_seconds =
              static_cast<double>(std::clock() - core_start) / CLOCKS_PER_SEC};
}

double MegabytesOf(const std::string& path) {
  struct stat facts;
  return stat(path.c_str(), &facts) == 0
             ? static_cast<double>(facts.st_size) / 1e6
             : 0;
}

// The median of a few, and the worst.
void Measure(LedgerIndex& index, const char* name,
             const std::function<LedgerIndex::Query(int64_t)>& query,
             int64_t calls) {
  constexpr int kRuns = 21;
  std::vector<double> taken;
  size_t found = 0;
  for (int run = 0; run < kRuns; ++run) {
    const LedgerIndex::Query each = query(run * 7919 * 131 % calls);
    const Taken one = Time([&] {
      const auto page = index.Find(each);
      Require(page.status());
      found += page->entries.size();
    });
    taken.push_back(one.seconds);
  }
  std::sort(taken.begin(), taken.end());
  printf("%-44s %8.2f ms  worst %8.2f ms  %6zu entries\n", name,
         1e3 * taken[kRuns / 2], 1e3 * taken.back(), found / kRuns);
}

void MeasureQueries(LedgerIndex& index, int64_t calls) {
  using Query = LedgerIndex::Query;
  Measure(
      index, "by id",
      [](int64_t call) {
        return Query{.filter = {.id = ExchangeIdOf(call)}, .limit = 1};
      },
      calls);
  Measure(
      index, "by request",
      [](int64_t call) {
        return Query{.filter = {.request_id = absl::StrCat("req-", call)}};
      },
      calls);
  Measure(
      index, "by session",
      [](int64_t call) {
        return Query{.filter = {.session_id = absl::StrCat("SES-", call / 10)}};
      },
      calls);
  Measure(
      index, "by submission, a page of 100",
      [](int64_t call) {
        return Query{
            .filter = {.submission_id = absl::StrCat("PRC-", call / 100)}};
      },
      calls);
  Measure(
      index, "errors of an hour, a page of 100",
      [](int64_t call) {
        const absl::Time start = kFirstCallTime + call * kBetweenCalls;
        return Query{.filter = {.decision = "ERROR",
                                .start_time = start,
                                .end_time = start + absl::Hours(1)}};
      },
      calls);
  Measure(
      index, "the newest 100",
      [](int64_t) { return Query{.newest_first = true}; }, calls);
  Measure(
      index, "a caller that there is not, all segments",
      [](int64_t) { return Query{.filter = {.caller = "nobody"}}; }, calls);
  Measure(
      index, "an id that there is not, all segments",
      [](int64_t) { return Query{.filter = {.id = "LED-nothing"}}; }, calls);
}

void Tell(const char* name, const Taken& taken, int64_t entries) {
  printf("%-44s %8.3f s, %8.3f of a core, %6.2f us an entry\n", name,
         taken.seconds, taken.core_seconds,
         1e6 * taken.core_seconds / static_cast<double>(entries));
}

void Run(const std::string& path, int64_t entries) {
  const int64_t calls = entries / 2;
  std::unique_ptr<LedgerLog> log;
  const auto open = [&] {
    auto opened = LedgerLog::Open({.path = path, .sync = SqliteSync::kNormal});
    Require(opened.status());
    log = *std::move(opened);
  };
  open();
  const int64_t there = log->end().entries / 2;
  if (there < calls) {
    Tell("make and append", Time([&] {
           Require(AppendCalls(*log, {.calls = calls - there,
                                      .first_call = there,
                                      .calls_in_commit = kCallsInCommit}));
         }),
         entries - 2 * there);
  }
  log.reset();
  Tell("open", Time(open), entries);
  printf("%-44s %8.0f MB\n", "the ledger", MegabytesOf(path));
  std::unique_ptr<LedgerIndex> index;
  Tell("index until it has all", Time([&] {
         index = std::make_unique<LedgerIndex>(
             *log, LedgerIndex::Options{.ledger_path = path});
         while (!index->CatchUp(absl::Hours(1))) {
           Require(index->state().status);
         }
       }),
       entries);
  printf("%-44s %8.0f MB\n", "the index", MegabytesOf(path + ".index"));
  MeasureQueries(*index, calls);
  LedgerCheck check;
  const Taken verified = Time([&] {
    Require(log->Read(
        1, [&](const LedgerCommit& commit) { return check.Add(commit); }));
  });
  Tell("verify, with the Merkle root", verified, entries);
  const double megabytes = static_cast<double>(check.checked_bytes()) / 1e6;
  printf("%-44s %8.0f MB/s, %8.0f of a core, root %s\n", "",
         megabytes / verified.seconds, megabytes / verified.core_seconds,
         check.merkle_root().substr(0, 8).c_str());
}

}  // namespace
}  // namespace gateway

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "ledger_bench FILE ENTRIES\n");
    return 2;
  }
  gateway::Run(argv[1], std::atoll(argv[2]));
  return 0;
}
