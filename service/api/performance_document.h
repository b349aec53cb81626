// The records of how models did, as they are kept on disk, so that a restart
// does not forget a week: JSON, a row of numbers for each hour of each model
// that had calls in it.
//
//   store.WriteEvery(kPerformanceDocument, absl::Minutes(5), [&] {
//     return WritePerformance(performance.Keep(clock.WallTime()));
//   });
//   ...
//   RestorePerformance(store, clock.WallTime(), &performance);  // At the
//   start.
//
// Thread-safe: plain functions.

#ifndef SERVICE_API_PERFORMANCE_DOCUMENT_H_
#define SERVICE_API_PERFORMANCE_DOCUMENT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/routing/selection/model_performance.h"
#include "service/state/state_store.h"

namespace gateway {

inline constexpr std::string_view kPerformanceDocument =
    "model_performance.json";

// Returns the document; empty if there is nothing to keep. What does not fit
// into a document is left out, whole models at a time.
std::string WritePerformance(const std::vector<KeptPerformance>& models);

// INVALID_ARGUMENT if it is no such document.
absl::StatusOr<std::vector<KeptPerformance>> ReadPerformance(
    std::string_view text);

// Adds what the store has of the last 168 hours before `now`. What cannot be
// read is told by a line of the log, and nothing is added then. REQUIRES: no
// call is recorded yet. Blocks on the file system.
void RestorePerformance(StateStore& store, absl::Time now,
                        ModelPerformance* performance);

}  // namespace gateway

#endif  // SERVICE_API_PERFORMANCE_DOCUMENT_H_
