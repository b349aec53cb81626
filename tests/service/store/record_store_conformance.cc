#include "tests/service/store/record_store_conformance.h"

#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/async/task.h"
#include "gmock/gmock.h"
#include "tests/service/store/modelled_store.h"
#include "tests/testing/event.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kAborted = absl::StatusCode::kAborted;

std::vector<std::string> KeysOf(const RecordPage& page) {
  std::vector<std::string> keys;
  for (const Record& record : page.records) keys.push_back(record.key);
  return keys;
}

// Adds one to the number in the record `count`, however often others come
// first.
Task<void> Increment(RecordStore& store) {
  CancelSignal never;
  while (true) {
    const absl::StatusOr<std::optional<Record>> found =
        co_await store.Get("numbers", "count", never);
    if (!found.ok()) {
      ADD_FAILURE() << found.status();
      co_return;
    }
    int64_t number = 0;
    PutOptions options;
    options.expected_version = 0;
    if (found->has_value()) {
      EXPECT_TRUE(absl::SimpleAtoi((*found)->value, &number));
      options.expected_version = (*found)->version;
    }
    const absl::StatusOr<int64_t> put = co_await store.Put(
        "numbers", "count", absl::StrCat(number + 1), options, never);
    if (put.ok()) co_return;
    if (put.status().code() != kAborted) {
      ADD_FAILURE() << put.status();
      co_return;
    }
  }
}

Task<void> IncrementTimes(RecordStore& store, int times) {
  for (int i = 0; i < times; ++i) co_await Increment(store);
}

// What ends when all that was spawned has.
struct Gathering {
  int running = 0;
  WakeUp ended;
};

Task<void> Attend(Gathering& gathering, Task<void> task) {
  co_await std::move(task);
  if (--gathering.running == 0) gathering.ended.Set();
}

Task<void> All(std::vector<Task<void>> tasks) {
  Gathering gathering;
  gathering.running = static_cast<int>(tasks.size());
  for (Task<void>& task : tasks) Spawn(Attend(gathering, std::move(task)));
  co_await gathering.ended.Wait();
}

Task<void> PutWell(RecordStore& store, std::string key, std::string value) {
  CancelSignal never;
  const absl::StatusOr<int64_t> put =
      co_await store.Put("things", key, std::move(value), PutOptions{}, never);
  EXPECT_TRUE(put.ok()) << put.status();
}

Task<void> IncrementAndTell(RecordStore& store, int times,
                            std::shared_ptr<Event> end) {
  co_await IncrementTimes(store, times);
  end->Set();
}

}  // namespace

absl::StatusOr<std::optional<Record>> RecordStoreConformance::Get(
    const std::string& key, const std::string& collection) {
  return runner_.Run(store().Get(collection, key, never_));
}

absl::StatusOr<int64_t> RecordStoreConformance::Put(
    const std::string& key, const std::string& value, PutOptions options,
    const std::string& collection) {
  return runner_.Run(store().Put(collection, key, value, options, never_));
}

absl::StatusOr<bool> RecordStoreConformance::Delete(
    const std::string& key, std::optional<int64_t> expected) {
  const DeleteOptions options{.expected_version = expected};
  return runner_.Run(store().Delete("things", key, options, never_));
}

absl::StatusOr<RecordPage> RecordStoreConformance::List(
    const std::string& after, int limit, const std::string& collection) {
  return runner_.Run(store().List(collection, after, limit, never_));
}

absl::StatusOr<RecordChanges> RecordStoreConformance::ChangesSince(
    int64_t sequence, int limit, const std::string& collection) {
  return runner_.Run(store().ChangesSince(collection, sequence, limit, never_));
}

std::string RecordStoreConformance::ValueOf(const std::string& key) {
  const absl::StatusOr<std::optional<Record>> record = Get(key);
  EXPECT_TRUE(record.ok()) << record.status();
  return record.ok() && record->has_value() ? (*record)->value : "(none)";
}

std::vector<std::string> RecordStoreConformance::Told(
    const RecordChanges& changes) {
  std::vector<std::string> told;
  for (const RecordChange& change : changes.changes) {
    if (change.record.has_value()) {
      EXPECT_EQ(change.record->key, change.key);
    }
    told.push_back(change.record.has_value()
                       ? absl::StrCat(change.key, "=", change.record->value)
                       : absl::StrCat(change.key, " gone"));
  }
  return told;
}

TEST_P(RecordStoreConformance, NothingIsThereAtFirst) {
  EXPECT_EQ(*Get("a"), std::nullopt);
  EXPECT_FALSE(*Delete("a"));
  const absl::StatusOr<RecordPage> page = List("", 10);
  EXPECT_THAT(page->records, IsEmpty());
  EXPECT_FALSE(page->more);
  const absl::StatusOr<RecordChanges> changes = ChangesSince(page->sequence);
  EXPECT_THAT(changes->changes, IsEmpty());
  EXPECT_FALSE(changes->more);
  EXPECT_EQ(changes->sequence, page->sequence);
}

TEST_P(RecordStoreConformance, WhatWasPutIsReadAgainByteForByte) {
  const std::string key("\0k\xff'\n", 5);
  const std::string value("\0v\xfe\xff\"'; --", 10);
  EXPECT_EQ(*Put(key, value), 1);
  EXPECT_EQ(*Put("empty", ""), 1);
  const std::optional<Record> record = *Get(key);
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->key, key);
  EXPECT_EQ(record->value, value);
  EXPECT_EQ(record->version, 1);
  EXPECT_EQ(record->expire_time, absl::InfiniteFuture());
  EXPECT_EQ(ValueOf("empty"), "");
  const absl::StatusOr<RecordPage> page = List("", 10);
  ASSERT_EQ(page->records.size(), 2u);
  EXPECT_EQ(page->records[0].key, key);
  EXPECT_EQ(page->records[0].value, value);
  EXPECT_EQ(page->records[1].value, "");
  EXPECT_THAT(Told(*ChangesSince(0)),
              ElementsAre(absl::StrCat(key, "=", value), "empty="));
}

TEST_P(RecordStoreConformance, TheVersionGrowsByOneWithEachPut) {
  EXPECT_EQ(*Put("a", "1"), 1);
  EXPECT_EQ(*Put("b", "1"), 1);
  EXPECT_EQ(*Put("a", "2"), 2);
  EXPECT_EQ(*Put("a", "2"), 3);
  EXPECT_EQ((*Get("a"))->version, 3);
  EXPECT_EQ((*Get("b"))->version, 1);
}

TEST_P(RecordStoreConformance, WhoExpectsAVersionChangesNoOther) {
  EXPECT_EQ(Put("a", "x", {.expected_version = 1}).status().code(), kAborted);
  EXPECT_EQ(*Get("a"), std::nullopt);
  EXPECT_EQ(*Put("a", "1", {.expected_version = 0}), 1);
  const absl::Status second = Put("a", "x", {.expected_version = 0}).status();
  EXPECT_EQ(second.code(), kAborted);
  EXPECT_THAT(std::string(second.message()),
              AllOf(HasSubstr("things"), HasSubstr("version 1")));
  EXPECT_EQ(*Put("a", "2", {.expected_version = 1}), 2);
  EXPECT_EQ(Put("a", "x", {.expected_version = 1}).status().code(), kAborted);
  EXPECT_EQ(Put("a", "x", {.expected_version = 3}).status().code(), kAborted);
  EXPECT_EQ(Delete("a", 1).status().code(), kAborted);
  EXPECT_EQ(ValueOf("a"), "2");
  EXPECT_TRUE(*Delete("a", 2));
  EXPECT_EQ(ValueOf("a"), "(none)");
  EXPECT_EQ(Delete("a", 2).status().code(), kAborted);
}

TEST_P(RecordStoreConformance, ADeletedRecordIsGoneAndBeginsAnew) {
  ASSERT_TRUE(Put("a", "1").ok());
  ASSERT_TRUE(Put("a", "2").ok());
  EXPECT_TRUE(*Delete("a"));
  EXPECT_FALSE(*Delete("a"));
  EXPECT_EQ(*Get("a"), std::nullopt);
  EXPECT_THAT(List("", 10)->records, IsEmpty());
  EXPECT_EQ(*Put("a", "3", {.expected_version = 0}), 1);
  EXPECT_EQ(ValueOf("a"), "3");
}

TEST_P(RecordStoreConformance, AnExpiredRecordIsGoneAndBeginsAnew) {
  const absl::Time soon = harness_->Now() + absl::Milliseconds(300);
  ASSERT_TRUE(Put("a", "1", {.expire_time = soon}).ok());
  ASSERT_TRUE(Put("a", "2", {.expire_time = soon}).ok());
  ASSERT_TRUE(Put("stays", "3").ok());
  ASSERT_EQ(ValueOf("a"), "2");
  EXPECT_EQ((*Get("a"))->expire_time,
            absl::FromUnixMillis(absl::ToUnixMillis(soon)));
  harness_->Pass(absl::Milliseconds(302));
  EXPECT_EQ(*Get("a"), std::nullopt);
  EXPECT_THAT(KeysOf(*List("", 10)), ElementsAre("stays"));
  EXPECT_FALSE(*Delete("a"));
  EXPECT_EQ(Put("a", "x", {.expected_version = 2}).status().code(), kAborted);
  EXPECT_EQ(*Put("a", "4", {.expected_version = 0}), 1);
  EXPECT_EQ(ValueOf("a"), "4");
}

TEST_P(RecordStoreConformance, APutSaysAnewWhenTheRecordExpires) {
  const absl::Time soon = harness_->Now() + absl::Milliseconds(200);
  ASSERT_TRUE(Put("never", "1", {.expire_time = soon}).ok());
  ASSERT_TRUE(Put("never", "2").ok());
  ASSERT_TRUE(Put("later", "1", {.expire_time = soon}).ok());
  ASSERT_TRUE(Put("later", "2", {.expire_time = soon + absl::Hours(1)}).ok());
  ASSERT_TRUE(Put("past", "1").ok());
  ASSERT_TRUE(
      Put("past", "2", {.expire_time = harness_->Now() - absl::Hours(1)}).ok());
  harness_->Pass(absl::Milliseconds(202));
  EXPECT_EQ(ValueOf("never"), "2");
  EXPECT_EQ(ValueOf("later"), "2");
  EXPECT_EQ(ValueOf("past"), "(none)");
}

TEST_P(RecordStoreConformance, PagesFollowTheBytesOfTheKeys) {
  for (const char* key : {"b", "a\xff", "a", "\x80", "ab", "c", "B"}) {
    ASSERT_TRUE(Put(key, "v").ok());
  }
  ASSERT_TRUE(Delete("c").ok());
  const absl::StatusOr<RecordPage> first = List("", 3);
  EXPECT_THAT(KeysOf(*first), ElementsAre("B", "a", "ab"));
  EXPECT_TRUE(first->more);
  const absl::StatusOr<RecordPage> second = List("ab", 3);
  EXPECT_THAT(KeysOf(*second), ElementsAre("a\xff", "b", "\x80"));
  EXPECT_FALSE(second->more);
  EXPECT_THAT(KeysOf(*List("abc", 1)), ElementsAre("a\xff"));
  EXPECT_THAT(KeysOf(*List("\x80", 1)), IsEmpty());
  EXPECT_EQ(List("", 0).status().code(), kInvalid);
}

TEST_P(RecordStoreConformance, APageHasNoMoreThanItsLimits) {
  std::vector<Task<void>> puts;
  for (int i = 0; i <= kRecordPageMax; ++i) {
    puts.push_back(PutWell(store(), absl::StrCat("k", i), "v"));
  }
  runner_.Run(All(std::move(puts)));
  const absl::StatusOr<RecordPage> page = List("", 1'000'000);
  EXPECT_EQ(page->records.size(), static_cast<size_t>(kRecordPageMax));
  EXPECT_TRUE(page->more);
  const absl::StatusOr<RecordChanges> changes = ChangesSince(0, 1'000'000);
  EXPECT_EQ(changes->changes.size(), static_cast<size_t>(kRecordPageMax));
  EXPECT_TRUE(changes->more);
  EXPECT_EQ(ChangesSince(changes->sequence)->changes.size(), 1u);
}

TEST_P(RecordStoreConformance, APageEndsOnceItsValuesAreLarge) {
  const std::string large(kRecordValueBytesMax, 'x');
  for (const char* key : {"1", "2", "3", "4", "5"}) {
    ASSERT_TRUE(Put(key, large).ok());
  }
  ASSERT_EQ(kRecordPageBytesMax, 4 * large.size());
  const absl::StatusOr<RecordPage> page = List("", 10);
  EXPECT_EQ(page->records.size(), 4u);
  EXPECT_TRUE(page->more);
  const absl::StatusOr<RecordChanges> changes = ChangesSince(0);
  EXPECT_EQ(changes->changes.size(), 4u);
  EXPECT_TRUE(changes->more);
  const absl::StatusOr<RecordChanges> rest = ChangesSince(changes->sequence);
  ASSERT_EQ(rest->changes.size(), 1u);
  EXPECT_EQ(rest->changes[0].key, "5");
  EXPECT_FALSE(rest->more);
}

TEST_P(RecordStoreConformance, CollectionsKnowNothingOfEachOther) {
  ASSERT_TRUE(Put("a", "thing").ok());
  ASSERT_TRUE(Put("a", "other", {.expected_version = 0}, "others").ok());
  ASSERT_TRUE(Put("b", "other", {}, "others").ok());
  EXPECT_EQ(ValueOf("a"), "thing");
  EXPECT_TRUE(*Delete("a"));
  EXPECT_EQ((*Get("a", "others"))->value, "other");
  EXPECT_THAT(KeysOf(*List("", 10, "others")), ElementsAre("a", "b"));
  EXPECT_THAT(Told(*ChangesSince(0, 10, "others")),
              ElementsAre("a=other", "b=other"));
  EXPECT_THAT(Told(*ChangesSince(0)), ElementsAre("a gone"));
}

TEST_P(RecordStoreConformance, WhatIsThereIsCounted) {
  EXPECT_EQ(*runner_.Run(store().Count("things", never_)), 0);
  ASSERT_TRUE(Put("a", "1").ok());
  ASSERT_TRUE(Put("a", "2").ok());
  ASSERT_TRUE(Put("b", "1").ok());
  ASSERT_TRUE(Put("gone", "1").ok());
  ASSERT_TRUE(Put("expires", "1",
                  {.expire_time = harness_->Now() + absl::Milliseconds(50)})
                  .ok());
  ASSERT_TRUE(Put("elsewhere", "1", {}, "others").ok());
  EXPECT_TRUE(*Delete("gone"));
  EXPECT_EQ(*runner_.Run(store().Count("things", never_)), 3);
  harness_->Pass(absl::Milliseconds(60));
  EXPECT_EQ(*runner_.Run(store().Count("things", never_)), 2);
  EXPECT_EQ(runner_.Run(store().Count("No", never_)).status().code(), kInvalid);
}

TEST_P(RecordStoreConformance, TakesNamesKeysAndValuesUpToTheirLimits) {
  const std::string key(kRecordKeyBytesMax, 'k');
  const std::string value(kRecordValueBytesMax, 'v');
  const std::string name(kCollectionBytesMax, 'c');
  EXPECT_EQ(*Put(key, value, {}, name), 1);
  EXPECT_EQ((*Get(key, name))->value, value);
  EXPECT_EQ(Put(key + "k", "v").status().code(), kInvalid);
  EXPECT_EQ(Put("", "v").status().code(), kInvalid);
  EXPECT_EQ(Put("k", value + "v").status().code(), kInvalid);
  for (const std::string& wrong :
       {name + "c", std::string(), std::string("Keys"), std::string("a b"),
        std::string("a{b}"), std::string("a:b")}) {
    EXPECT_EQ(Put("k", "v", {}, wrong).status().code(), kInvalid) << wrong;
    EXPECT_EQ(Get("k", wrong).status().code(), kInvalid) << wrong;
    EXPECT_EQ(List("", 1, wrong).status().code(), kInvalid) << wrong;
    EXPECT_EQ(ChangesSince(0, 1, wrong).status().code(), kInvalid) << wrong;
  }
  EXPECT_EQ(Get("").status().code(), kInvalid);
  EXPECT_EQ(Delete("").status().code(), kInvalid);
  EXPECT_EQ(ChangesSince(0, 0).status().code(), kInvalid);
}

TEST_P(RecordStoreConformance, ErrorsTellNeitherKeysNorValues) {
  ASSERT_TRUE(Put("secret-key", "secret-value").ok());
  for (const absl::Status& status :
       {Put("secret-key", "secret-other", {.expected_version = 7}).status(),
        Delete("secret-key", 7).status(),
        Put(std::string(600, 's') + "secret", "").status()}) {
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("secret")));
  }
}

TEST_P(RecordStoreConformance, ChangesTellTheLastOfEachRecordInOrder) {
  ASSERT_TRUE(Put("a", "1").ok());
  ASSERT_TRUE(Put("b", "1").ok());
  ASSERT_TRUE(Put("c", "1").ok());
  const int64_t known = List("", 1)->sequence;
  EXPECT_THAT(ChangesSince(known)->changes, IsEmpty());
  ASSERT_TRUE(Put("d", "1").ok());
  ASSERT_TRUE(Put("a", "2").ok());
  ASSERT_TRUE(*Delete("b"));
  ASSERT_TRUE(Put("d", "2").ok());
  EXPECT_THAT(Told(*ChangesSince(0)),
              ElementsAre("c=1", "a=2", "b gone", "d=2"));
  const absl::StatusOr<RecordChanges> page = ChangesSince(known, 2);
  EXPECT_THAT(Told(*page), ElementsAre("a=2", "b gone"));
  EXPECT_TRUE(page->more);
  EXPECT_GT(page->sequence, known);
  const absl::StatusOr<RecordChanges> rest = ChangesSince(page->sequence, 2);
  EXPECT_THAT(Told(*rest), ElementsAre("d=2"));
  EXPECT_FALSE(rest->more);
  EXPECT_EQ(rest->changes[0].record->version, 2);
  ASSERT_TRUE(Put("b", "2").ok());
  EXPECT_THAT(Told(*ChangesSince(rest->sequence)), ElementsAre("b=2"));
  EXPECT_THAT(Told(*ChangesSince(known)), ElementsAre("a=2", "d=2", "b=2"));
}

// Whoever has seen it while it did not expire would have it for ever.
TEST_P(RecordStoreConformance, ThatAChangedRecordHasExpiredSinceIsTold) {
  ASSERT_TRUE(Put("key", "valid").ok());
  const int64_t known = List("", 1)->sequence;
  const absl::Time soon = harness_->Now() + absl::Milliseconds(5);
  ASSERT_TRUE(Put("key", "for a while", {.expire_time = soon}).ok());
  harness_->Pass(absl::Milliseconds(7));
  EXPECT_THAT(Told(*ChangesSince(known)), ElementsAre("key gone"));
  // Nor when it was removed behind.
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Put("other", "x").ok());
  EXPECT_THAT(Told(*ChangesSince(known)), ElementsAre("key gone", "other=x"));
}

TEST_P(RecordStoreConformance, WhoAsksForChangesThatAreForgottenIsTold) {
  ASSERT_TRUE(Put("first", "1").ok());
  ASSERT_TRUE(*Delete("first"));
  const int64_t early = List("", 1)->sequence;
  EXPECT_EQ(ChangesSince(early + 1).status().code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ChangesSince(-1).status().code(), absl::StatusCode::kOutOfRange);
  ASSERT_TRUE(Put("second", "1").ok());
  const int64_t late = List("", 1)->sequence;
  for (int i = 0; i < kRecordChangesKept; i += 1000) {
    std::vector<Task<void>> puts;
    for (int j = 0; j < 1000; ++j) puts.push_back(PutWell(store(), "x", "v"));
    runner_.Run(All(std::move(puts)));
  }
  EXPECT_THAT(Told(*ChangesSince(late)), ElementsAre("x=v"));
  ASSERT_TRUE(Put("x", "w").ok());
  // A store may know more than it must.
  const absl::StatusOr<RecordChanges> changes = ChangesSince(early - 1);
  if (changes.ok()) {
    EXPECT_THAT(Told(*changes), ElementsAre("first gone", "second=1", "x=w"));
  } else {
    EXPECT_EQ(changes.status().code(), absl::StatusCode::kOutOfRange);
  }
  EXPECT_THAT(KeysOf(*List("", 10)), ElementsAre("second", "x"));
}

TEST_P(RecordStoreConformance, ACancelledCallerIsToldSo) {
  CancelSignal cancelled;
  cancelled.Cancel(absl::DeadlineExceededError("late"));
  const absl::Status late = absl::DeadlineExceededError("late");
  EXPECT_EQ(runner_.Run(store().Get("things", "a", cancelled)).status(), late);
  EXPECT_EQ(
      runner_.Run(store().Put("things", "a", "v", {}, cancelled)).status(),
      late);
  EXPECT_EQ(runner_.Run(store().Delete("things", "a", {}, cancelled)).status(),
            late);
  EXPECT_EQ(runner_.Run(store().List("things", "", 1, cancelled)).status(),
            late);
  EXPECT_EQ(
      runner_.Run(store().ChangesSince("things", 0, 1, cancelled)).status(),
      late);
  EXPECT_EQ(*Get("a"), std::nullopt);
}

TEST_P(RecordStoreConformance, OfManyAtOnceEachCounts) {
  std::vector<Task<void>> tasks;
  for (int i = 0; i < 8; ++i) tasks.push_back(IncrementTimes(store(), 10));
  runner_.Run(All(std::move(tasks)));
  EXPECT_EQ((*Get("count", "numbers"))->value, "80");
  EXPECT_EQ((*Get("count", "numbers"))->version, 80);
}

TEST_P(RecordStoreConformance, DoesAsAMapDoes) {
  FakeRandom random{20};
  ModelledStore modelled(runner_, *harness_, random);
  for (int i = 0; i < 2000 && !HasFailure(); ++i) modelled.Step();
}

void CountFromManyLoops(RecordStore& store, int loops, int times) {
  std::vector<std::unique_ptr<LoopThread>> threads;
  std::vector<std::shared_ptr<Event>> ends;
  for (int i = 0; i < loops; ++i) {
    threads.push_back(std::make_unique<LoopThread>());
    ends.push_back(std::make_shared<Event>());
    threads.back()->loop().Post([&store, times, end = ends.back()] {
      Spawn(IncrementAndTell(store, times, end));
    });
  }
  for (const auto& end : ends) ASSERT_TRUE(end->Wait());
  LoopRunner runner;
  CancelSignal never;
  const absl::StatusOr<std::optional<Record>> count =
      runner.Run(store.Get("numbers", "count", never));
  ASSERT_TRUE(count.ok()) << count.status();
  ASSERT_TRUE(count->has_value());
  EXPECT_EQ((*count)->value, absl::StrCat(loops * times));
  EXPECT_EQ((*count)->version, loops * times);
}

}  // namespace gateway
