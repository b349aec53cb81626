// ModelledStore does random operations in a RecordStore and in a map, which is
// to be the same after each; and so is the mirror of somebody who follows the
// changes.
//
//   FakeRandom random{20};
//   ModelledStore modelled(runner, harness, random);
//   for (int i = 0; i < 2000 && !HasFailure(); ++i) modelled.Step();
//
// Thread-compatible.

#ifndef TESTS_SERVICE_STORE_MODELLED_STORE_H_
#define TESTS_SERVICE_STORE_MODELLED_STORE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "gtest/gtest.h"
#include "service/store/record_store.h"
#include "tests/service/store/record_store_conformance.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"

namespace gateway {

class ModelledStore {
 public:
  ModelledStore(LoopRunner& runner, RecordStoreHarness& harness,
                FakeRandom& random)
      : runner_(runner), harness_(harness), random_(random) {}

  void Step() {
    const std::string key = absl::StrCat("k", random_.Below(12));
    std::optional<int64_t> expected;
    if (random_.Below(2) == 0) expected = random_.Below(4);
    switch (random_.Below(8)) {
      case 0:
        return Delete(key, expected);
      case 1:
        return Get(key);
      case 2:
        return Compare(static_cast<int>(1 + random_.Below(20)));
      case 3:
        return Follow(static_cast<int>(1 + random_.Below(5)));
      default:
        return Put(key, expected);
    }
  }

 private:
  struct Known {
    std::string value;
    int64_t version = 0;
    absl::Time expire_time;
    bool operator==(const Known&) const = default;
  };

  static Known AsKnown(const Record& record) {
    return {record.value, record.version, record.expire_time};
  }

  int64_t VersionOf(const std::string& key) const {
    const auto found = model_.find(key);
    return found == model_.end() ? 0 : found->second.version;
  }

  void Put(const std::string& key, std::optional<int64_t> expected) {
    const uint64_t chance = random_.Below(8);
    const absl::Time now = harness_.Now();
    const PutOptions options{.expected_version = expected,
                             .expire_time = chance == 0 ? now - absl::Hours(1)
                                            : chance == 1
                                                ? now + absl::Hours(1)
                                                : absl::InfiniteFuture()};
    const std::string value = random_.HexId(random_.Below(40));
    const absl::StatusOr<int64_t> put =
        runner_.Run(harness_.store().Put("model", key, value, options, never_));
    const int64_t version = VersionOf(key);
    if (expected.has_value() && *expected != version) {
      EXPECT_EQ(put.status().code(), absl::StatusCode::kAborted);
      return;
    }
    ASSERT_TRUE(put.ok()) << put.status();
    EXPECT_EQ(*put, version + 1);
    model_.erase(key);
    if (chance == 0) return;
    model_[key] = {value, version + 1, RoundedExpireTime(options.expire_time)};
  }

  void Delete(const std::string& key, std::optional<int64_t> expected) {
    const DeleteOptions options{.expected_version = expected};
    const absl::StatusOr<bool> deleted =
        runner_.Run(harness_.store().Delete("model", key, options, never_));
    const int64_t version = VersionOf(key);
    if (expected.has_value() && *expected != version) {
      EXPECT_EQ(deleted.status().code(), absl::StatusCode::kAborted);
      return;
    }
    ASSERT_TRUE(deleted.ok()) << deleted.status();
    EXPECT_EQ(*deleted, version != 0);
    model_.erase(key);
  }

  void Get(const std::string& key) {
    const absl::StatusOr<std::optional<Record>> record =
        runner_.Run(harness_.store().Get("model", key, never_));
    ASSERT_TRUE(record.ok()) << record.status();
    ASSERT_EQ(record->has_value(), model_.contains(key));
    if (record->has_value()) {
      EXPECT_EQ(AsKnown(**record), model_[key]);
    }
  }

  void Compare(int limit) {
    std::map<std::string, Known> listed;
    std::string after;
    bool more = true;
    while (more) {
      const absl::StatusOr<RecordPage> page =
          runner_.Run(harness_.store().List("model", after, limit, never_));
      ASSERT_TRUE(page.ok()) << page.status();
      for (const Record& record : page->records) {
        ASSERT_LT(after, record.key);
        after = record.key;
        listed[after] = AsKnown(record);
      }
      more = page->more;
    }
    EXPECT_EQ(listed, model_);
  }

  void Follow(int limit) {
    bool more = true;
    while (more) {
      const absl::StatusOr<RecordChanges> changes = runner_.Run(
          harness_.store().ChangesSince("model", sequence_, limit, never_));
      ASSERT_TRUE(changes.ok()) << changes.status();
      for (const RecordChange& change : changes->changes) {
        mirror_.erase(change.key);
        if (change.record) mirror_[change.key] = AsKnown(*change.record);
      }
      more = changes->more;
      if (more) {
        ASSERT_GT(changes->sequence, sequence_);
      }
      sequence_ = changes->sequence;
    }
    EXPECT_EQ(mirror_, model_);
  }

  LoopRunner& runner_;
  RecordStoreHarness& harness_;
  FakeRandom& random_;
  CancelSignal never_;
  std::map<std::string, Known> model_;
  std::map<std::string, Known> mirror_;
  int64_t sequence_ = 0;
};

}  // namespace gateway

#endif  // TESTS_SERVICE_STORE_MODELLED_STORE_H_
