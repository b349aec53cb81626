// LimitModel is what the documentation says of limits of requests and of calls
// at once, written down a second time: a bucket for each limit and each of whom
// it tells apart, in exact arithmetic. It knows who may be let in, and who had
// to be.
//
//   LimitModel limits(scenario);
//   limits.Asks(call, "p1", now);  // What is wrong with that; empty if
//   nothing. limits.Ends(call);
//
// Thread contract: one thread. Moments do not go back.

#ifndef TESTS_SIMULATION_LIMIT_MODEL_H_
#define TESTS_SIMULATION_LIMIT_MODEL_H_

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/time/time.h"
#include "tests/simulation/scenario.h"

namespace gateway {

class LimitModel {
 public:
  // Borrows the scenario.
  explicit LimitModel(const Scenario& scenario)
      : scenario_(scenario), calls_(scenario.calls.size()) {}

  // A provider is asked for the call, which has been let in by then.
  std::string Asks(size_t call, const std::string& provider,
                   absl::Duration now);
  // The call's caller has its end.
  void Ends(size_t call);
  // The call was refused since a limit is full, and nobody was asked for it.
  std::string Refuses(size_t call, absl::Duration now);

 private:
  // What is taken of one limit by whoever is told apart from others.
  struct Bucket {
    absl::int128 level = 0;  // Units times the nanoseconds of the window.
    absl::Duration at = absl::ZeroDuration();
    int under_way = 0;
  };
  struct CallState {
    bool is_in = false;
    bool has_ended = false;
  };
  // Whether it is surely full, or surely not: between the two lies what the
  // gateway rounds.
  enum class Room { kNone, kSome, kUnsure };

  Bucket& BucketOf(size_t limit, size_t call, const std::string& provider);
  Room RoomIn(size_t limit, size_t call, const std::string& provider,
              absl::Duration now);
  // Of the limits of calls, or of providers.
  std::string TakeAll(bool of_providers, size_t call,
                      const std::string& provider, absl::Duration now);
  // Whether one of them may have been full.
  bool MayBeFull(bool of_providers, size_t call, const std::string& provider,
                 absl::Duration now);

  const Scenario& scenario_;
  std::map<std::pair<size_t, std::string>, Bucket> buckets_;
  std::vector<CallState> calls_;
};

}  // namespace gateway

#endif  // TESTS_SIMULATION_LIMIT_MODEL_H_
