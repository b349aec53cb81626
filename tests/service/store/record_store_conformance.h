// RecordStoreConformance holds every RecordStore to the promises of
// service/store/record_store.h. A store's own test says how to make one:
//
//   INSTANTIATE_TEST_SUITE_P(
//       Memory, RecordStoreConformance,
//       testing::Values([](EventLoop&) { return MakeMemoryHarness(); }));
//
// and depends on //tests/service/store:record_store_conformance. The tests ask
// on one loop; CountFromManyLoops asks on several.
//
// Thread-compatible.

#ifndef TESTS_SERVICE_STORE_RECORD_STORE_CONFORMANCE_H_
#define TESTS_SERVICE_STORE_RECORD_STORE_CONFORMANCE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "gtest/gtest.h"
#include "service/store/record_store.h"
#include "tests/testing/loop_runner.h"

namespace gateway {

// A store that nobody else uses and nothing was put into, and its time.
class RecordStoreHarness {
 public:
  virtual ~RecordStoreHarness() = default;

  virtual RecordStore& store() = 0;
  // The time by which records expire.
  virtual absl::Time Now() = 0;
  // Returns when that has passed; the tests let some milliseconds pass.
  virtual void Pass(absl::Duration duration) = 0;
};

// Makes one whose store is asked on that loop.
using RecordStoreMaker =
    std::function<std::unique_ptr<RecordStoreHarness>(EventLoop& loop)>;

class RecordStoreConformance : public testing::TestWithParam<RecordStoreMaker> {
 protected:
  RecordStoreConformance() : harness_(GetParam()(runner_.loop())) {}

  RecordStore& store() { return harness_->store(); }

  // The operations, in the collection `things` unless another is named.
  absl::StatusOr<std::optional<Record>> Get(
      const std::string& key, const std::string& collection = "things");
  absl::StatusOr<int64_t> Put(const std::string& key, const std::string& value,
                              PutOptions options = {},
                              const std::string& collection = "things");
  absl::StatusOr<bool> Delete(const std::string& key,
                              std::optional<int64_t> expected = std::nullopt);
  absl::StatusOr<RecordPage> List(const std::string& after, int limit,
                                  const std::string& collection = "things");
  absl::StatusOr<RecordChanges> ChangesSince(
      int64_t sequence, int limit = kRecordPageMax,
      const std::string& collection = "things");

  // The value, or "(none)".
  std::string ValueOf(const std::string& key);
  // As `key=value`, and `key gone`.
  static std::vector<std::string> Told(const RecordChanges& changes);

  LoopRunner runner_;
  CancelSignal never_;
  std::unique_ptr<RecordStoreHarness> harness_;
};

// From so many loops at once, increments one number so many times each, and
// expects that each increment counted.
void CountFromManyLoops(RecordStore& store, int loops, int times);

}  // namespace gateway

#endif  // TESTS_SERVICE_STORE_RECORD_STORE_CONFORMANCE_H_
