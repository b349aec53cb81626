#include "service/pipeline/call_session.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "service/pipeline/call.h"
#include "service/sessions/session_store.h"
#include "service/store/memory_record_store.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/no_http_client.h"
#include "tests/testing/simulated_time.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kMockProvider[] = "providers: [{name: mock, mock: {}}]\n";

// A call of an anonymous caller, and a session of its own.
class CallSessionTest : public testing::Test {
 protected:
  CallSessionTest() {
    const v1::CreateSessionRequest request;
    id_ = runner_.Run(sessions_.Create(Limits(), "", request, cancel_))->id();
    Say(v1::ROLE_USER, "one", request_.add_messages());
    NewCall(absl::StrCat(kMockProvider, "sessions: {messages_limit: 4}\n"));
  }

  void NewCall(const std::string& yaml) {
    call_ = std::make_unique<PlannedCall>(
        MakeTestRuntime(yaml, {}, {.clock = &time_, .sessions = &sessions_}),
        runner_.loop(), http_, cancel_, arena_, runner_.loop().Now());
    call_->request = &request_;
    call_->facts.session = id_;
    call_->deadline = runner_.loop().Now() + absl::Minutes(10);
  }
  static SessionLimits Limits() {
    return {.ttl = absl::Hours(1),
            .sessions = 10,
            .messages = 4,
            .session_bytes = 1 << 20,
            .size_bytes = 64 << 20};
  }
  static void Say(v1::Role role, const std::string& text,
                  v1::Message* message) {
    message->set_role(role);
    message->add_parts()->set_text(text);
  }
  absl::Status Begin() { return runner_.Run(BeginSession(*call_)); }
  static v1::GenerateResponse Answer(const std::string& text) {
    v1::GenerateResponse response;
    Say(v1::ROLE_UNSPECIFIED, text, response.add_choices()->mutable_message());
    Say(v1::ROLE_ASSISTANT, "another",
        response.add_choices()->mutable_message());
    return response;
  }
  absl::Status Keep(const v1::GenerateResponse& response) {
    return runner_.Run(call_->session->Keep(response, cancel_));
  }
  static std::vector<std::string> Texts(const SessionMessages& messages) {
    std::vector<std::string> texts;
    for (const v1::Message& each : messages) {
      texts.push_back(each.parts(0).text());
    }
    return texts;
  }
  std::vector<std::string> Kept() {
    return Texts(runner_.Run(sessions_.Get("", id_, cancel_))->messages());
  }

  SimulatedTime time_;
  LoopRunner runner_{time_};
  CancelSignal cancel_;
  MemoryRecordStore records_{{}, time_};
  FakeRandom random_{3};
  SessionStore sessions_{records_, time_, random_};
  NoHttpClient http_;
  google::protobuf::Arena arena_;
  std::string id_;
  v1::GenerateRequest request_;
  std::unique_ptr<PlannedCall> call_;
};

TEST_F(CallSessionTest, WhatWasSaidComesBeforeWhatIs) {
  ASSERT_TRUE(Begin().ok());
  ASSERT_TRUE(call_->session->PutBefore(*call_).ok());
  ASSERT_TRUE(Keep(Answer("1")).ok());
  EXPECT_THAT(Kept(), ElementsAre("one", "1"));

  NewCall(absl::StrCat(kMockProvider, "sessions: {}\n"));
  request_.mutable_messages(0)->mutable_parts(0)->set_text("two");
  request_.set_session(id_);
  ASSERT_TRUE(Begin().ok());
  ASSERT_TRUE(call_->session->PutBefore(*call_).ok());
  EXPECT_THAT(Texts(call_->request->messages()),
              ElementsAre("one", "1", "two"));
  EXPECT_EQ(call_->request->session(), "");
  EXPECT_FALSE(call_->may_forward());
  // The caller's own message is as it was.
  EXPECT_EQ(request_.messages_size(), 1);
}

TEST_F(CallSessionTest, AGatheredAnswerIsKeptAsAWholeOneIs) {
  ASSERT_TRUE(Begin().ok());
  ASSERT_TRUE(call_->session->PutBefore(*call_).ok());
  v1::GenerateEvent event;
  for (const char* piece : {"to ", "be"}) {
    event.mutable_delta()->set_text(piece);
    call_->session->Add(event);
  }
  EXPECT_GT(call_->session->gathered_bytes(), 0u);
  ASSERT_TRUE(runner_.Run(call_->session->KeepGathered(cancel_)).ok());
  EXPECT_THAT(Kept(), ElementsAre("one", "to be"));
}

TEST_F(CallSessionTest, NoMoreIsGatheredThanThereIsRoomFor) {
  NewCall(
      absl::StrCat(kMockProvider, "sessions: {session_bytes_limit: 1KiB}\n"));
  ASSERT_TRUE(Begin().ok());
  ASSERT_TRUE(call_->session->PutBefore(*call_).ok());
  v1::GenerateEvent event;
  event.mutable_delta()->set_text(std::string(600, 'x'));
  for (int i = 0; i < 1000; ++i) call_->session->Add(event);
  EXPECT_LT(call_->session->gathered_bytes(), size_t{100} << 10);
  EXPECT_EQ(FaultReason(runner_.Run(call_->session->KeepGathered(cancel_))),
            v1::ERROR_REASON_SESSION_LIMITED);
  EXPECT_THAT(Kept(), IsEmpty());
}

TEST_F(CallSessionTest, AnAnswerThatIsTooLargeIsNotCutToFit) {
  for (const int pieces : {2, 20}) {
    NewCall(
        absl::StrCat(kMockProvider, "sessions: {session_bytes_limit: 1KiB}\n"));
    ASSERT_TRUE(Begin().ok());
    ASSERT_TRUE(call_->session->PutBefore(*call_).ok());
    v1::GenerateEvent event;
    event.mutable_delta()->set_text(std::string(100, 'x'));
    for (int i = 0; i < pieces; ++i) call_->session->Add(event);
    const absl::Status kept =
        runner_.Run(call_->session->KeepGathered(cancel_));
    EXPECT_EQ(kept.ok(), pieces == 2) << kept;
  }
  EXPECT_EQ(Kept()[1].size(), 200u);
}

TEST_F(CallSessionTest, ACallThatIsOverGivesTheSessionBack) {
  ASSERT_TRUE(Begin().ok());
  call_ = nullptr;
  EXPECT_THAT(Kept(), IsEmpty());
  NewCall(absl::StrCat(kMockProvider, "sessions: {}\n"));
  EXPECT_TRUE(Begin().ok());
}

TEST_F(CallSessionTest, WhatIsWrongIsSaidBeforeAnybodyIsAsked) {
  call_->facts.session = "another";
  EXPECT_EQ(FaultReason(Begin()), v1::ERROR_REASON_NOT_FOUND);
  NewCall(kMockProvider);
  EXPECT_EQ(FaultReason(Begin()), v1::ERROR_REASON_NOT_CONFIGURED);
  NewCall(absl::StrCat(kMockProvider, "sessions: {}\n"));
  call_->facts.previous_response_id = "resp_1";
  ASSERT_TRUE(Begin().ok());
  EXPECT_EQ(FieldViolations(call_->session->PutBefore(*call_))[0].first,
            "previous_response_id");
  // What its API has found is left to Admit.
  NewCall(absl::StrCat(kMockProvider, "sessions: {}\n"));
  call_->api_error = absl::InvalidArgumentError("no JSON");
  EXPECT_TRUE(Begin().ok());
  EXPECT_EQ(call_->session, nullptr);
}

TEST_F(CallSessionTest, ACountOnlyReads) {
  ASSERT_TRUE(Begin().ok());
  auto counting =
      std::make_unique<PlannedCall>(call_->runtime, runner_.loop(), http_,
                                    cancel_, arena_, runner_.loop().Now());
  counting->request = &request_;
  counting->facts.session = id_;
  counting->facts.counts = true;
  EXPECT_TRUE(runner_.Run(BeginSession(*counting)).ok());
}

TEST_F(CallSessionTest, TheFieldThatNamesItGoesToNoProvider) {
  const std::string body = absl::StrCat(
      R"({"model":"m","session_id":")", id_,
      R"(","other":1,"messages":[{"role":"user","content":"one"}]})");
  const OpenAiChat dialect;
  RawRequest raw;
  raw.dialect = &dialect;
  raw.body = body;
  ASSERT_TRUE(dialect.ScanRequest(body, &raw.scan).ok());
  call_->request = nullptr;
  call_->raw = &raw;
  ASSERT_TRUE(Begin().ok());
  ASSERT_TRUE(call_->session->PutBefore(*call_).ok());
  std::vector<std::string> names;
  for (const v1::Extension& each : call_->request->extensions()) {
    names.push_back(each.name());
  }
  EXPECT_THAT(names, ElementsAre("other"));
}

}  // namespace
}  // namespace gateway
