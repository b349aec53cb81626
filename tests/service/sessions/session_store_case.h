// SessionStoreCase is a test with two gateways that have one store of sessions,
// on one loop whose time is simulated. The store is broken, or slow, when the
// test says so.

#ifndef TESTS_SERVICE_SESSIONS_SESSION_STORE_CASE_H_
#define TESTS_SERVICE_SESSIONS_SESSION_STORE_CASE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "proto/proto_time.h"
#include "service/sessions/session_store.h"
#include "service/store/memory_record_store.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/simulated_time.h"

namespace gateway {

// A store that is broken when the test says so.
class BreakableStore final : public MemoryRecordStore {
 public:
  using MemoryRecordStore::MemoryRecordStore;

  Task<absl::StatusOr<std::optional<Record>>> Get(
      std::string_view collection, std::string_view key,
      CancelSignal& cancel) override {
    if (!broken.ok()) co_return broken;
    co_return co_await MemoryRecordStore::Get(collection, key, cancel);
  }
  Task<absl::StatusOr<int64_t>> Put(std::string_view collection,
                                    std::string_view key, std::string value,
                                    PutOptions options,
                                    CancelSignal& cancel) override {
    ++puts;
    if (!broken.ok()) co_return broken;
    const absl::StatusOr<int64_t> put = co_await MemoryRecordStore::Put(
        collection, key, std::move(value), options, cancel);
    if (leaves != nullptr) {
      leaves->Cancel(absl::CancelledError("left"));
      co_return leaves->status();
    }
    if (slow_on == nullptr) co_return put;
    (co_await Sleep(*slow_on, absl::Seconds(1), cancel)).IgnoreError();
    co_return put;
  }

  Task<absl::StatusOr<int64_t>> Count(std::string_view collection,
                                      CancelSignal& cancel) override {
    ++counts;
    co_return co_await MemoryRecordStore::Count(collection, cancel);
  }

  absl::Status broken;
  // Where what is kept is told a second later; null: at once.
  EventLoop* slow_on = nullptr;
  // Of the caller who leaves when it is kept and before that is told; null if
  // none does.
  CancelSignal* leaves = nullptr;
  int puts = 0;
  int counts = 0;
};

inline llmgateway::v1::Message Say(llmgateway::v1::Role role,
                                  const std::string& text) {
  llmgateway::v1::Message message;
  message.set_role(role);
  if (!text.empty()) message.add_parts()->set_text(text);
  return message;
}

class SessionStoreCase : public testing::Test {
 protected:
  using Session = llmgateway::v1::Session;
  using CreateSessionRequest = llmgateway::v1::CreateSessionRequest;
  using Turn = std::unique_ptr<SessionTurn>;

  absl::StatusOr<Session> Create(
      const CreateSessionRequest& request = {},
      const std::string& owner = "alice") {
    return runner_.Run(here_.Create(limits_, owner, request, never_));
  }
  std::string NewId() { return Create()->id(); }
  absl::StatusOr<Session> Get(const std::string& id,
                                  const std::string& owner = "alice") {
    return runner_.Run(here_.Get(owner, id, never_));
  }
  absl::Status Delete(const std::string& id,
                      const std::string& owner = "alice") {
    return runner_.Run(here_.Delete(owner, id, never_));
  }
  absl::StatusOr<Turn> Begin(SessionStore& store, const std::string& id,
                             SessionStore::TurnOptions options = {},
                             const std::string& owner = "alice") {
    return runner_.Run(store.Begin(limits_, owner, id, options, never_));
  }
  static absl::Status SayTo(SessionTurn& turn, const std::string& text) {
    SessionMessages said;
    *said.Add() = Say(llmgateway::v1::ROLE_USER, text);
    return turn.Say(said);
  }
  absl::Status End(SessionTurn& turn, const std::string& text) {
    return runner_.Run(
        turn.End(Say(llmgateway::v1::ROLE_ASSISTANT, text), never_));
  }
  absl::Status Converse(const std::string& id, const std::string& said,
                        const std::string& answer) {
    absl::StatusOr<Turn> turn = Begin(here_, id);
    if (!turn.ok()) return turn.status();
    const absl::Status told = SayTo(**turn, said);
    return told.ok() ? End(**turn, answer) : told;
  }
  std::vector<std::string> Texts(const std::string& id) {
    const absl::StatusOr<Session> session = Get(id);
    if (!session.ok()) return {std::string(session.status().message())};
    std::vector<std::string> texts;
    for (const llmgateway::v1::Message& each : session->messages()) {
      texts.push_back(each.parts(0).text());
    }
    return texts;
  }
  absl::Time ExpireTime(const std::string& id) {
    return ToAbsl(Get(id)->expire_time());
  }
  void Pass(absl::Duration duration) {
    ASSERT_TRUE(runner_.Run(Sleep(runner_.loop(), duration, never_)).ok());
  }

  SimulatedTime time_;
  LoopRunner runner_{time_};
  CancelSignal never_;
  BreakableStore records_{{}, time_};
  FakeRandom random_{7};
  SessionLimits limits_ = {.ttl = absl::Hours(1),
                           .sessions = 100,
                           .messages = 100,
                           .session_bytes = 1 << 20,
                           .size_bytes = 64 << 20};
  SessionStore here_{records_, time_, random_};
  SessionStore there_{records_, time_, random_};
};

}  // namespace gateway

#endif  // TESTS_SERVICE_SESSIONS_SESSION_STORE_CASE_H_
