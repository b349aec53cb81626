#include "service/pipeline/conversation.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/cache/kept_answer.h"
#include "service/identity/caller.h"
#include "service/pipeline/attempt.h"
#include "service/pipeline/call.h"
#include "service/pipeline/plan.h"
#include "service/pipeline/response_store.h"
#include "service/pipeline/reused_answer.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

// A call of alice, with an answer in the store that says "I am an answer".
class ConversationTest : public testing::Test {
 protected:
  ConversationTest() {
    call_.responses = &store_;
    call_.request = &request_;
    v1::GenerateRequest before;
    Say(v1::ROLE_USER, "before", before.add_messages());
    v1::GenerateResponse response;
    Say(v1::ROLE_ASSISTANT, "I am an answer",
        response.add_choices()->mutable_message());
    store_.Put("alice", "resp_1",
               {.before = before.SerializeAsString(),
                .response = response.SerializeAsString()});
  }

  static void Say(v1::Role role, const std::string& text,
                  v1::Message* message) {
    message->set_role(role);
    message->add_parts()->set_text(text);
  }
  void Ask(v1::Role role, const std::string& text) {
    Say(role, text, request_.add_messages());
  }
  // What `caller` is told of going on, with a target of this provider.
  absl::Status Continue(std::string_view caller = "alice",
                        bool forwards = false) {
    absl::StatusOr<Continuation> continuation =
        ContinueConversation(call_, caller);
    EXPECT_TRUE(continuation.ok()) << continuation.status();
    return CheckContinued(call_, *continuation,
                          {.provider = call_.runtime->providers().Find("mock"),
                           .forwards = forwards});
  }
  std::unique_ptr<ConversationRecorder> BeginToRecord() {
    return ConversationRecorder::Begin(call_, "alice", attempt_);
  }
  void ContinueFrom(std::string_view id) {
    request_.set_previous_response_id(std::string(id));
    call_.facts.previous_response_id = id;
  }

  // `role:text` of each message of the call.
  std::string Said() const {
    std::string said;
    for (const v1::Message& message : call_.request->messages()) {
      said += message.role() == v1::ROLE_SYSTEM      ? "system:"
              : message.role() == v1::ROLE_ASSISTANT ? "assistant:"
                                                     : "user:";
      said += message.parts(0).text() + "|";
    }
    return said;
  }

  FakeClock clock_;
  ResponseStore store_{
      {.ttl = absl::Hours(1), .entries = 10, .size_bytes = 10'000}, clock_};
  LoopClient client_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
  v1::GenerateRequest request_;
  Attempt attempt_;
  Call call_{MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"),
             client_.loop(),
             client_.http(),
             cancel_,
             arena_,
             client_.loop().Now()};
};

// A forwarded answer of alice's, and a call that it is told again.
class ReusedConversationTest : public ConversationTest {
 protected:
  static constexpr std::string_view kId = "resp_theirs";

  ReusedConversationTest() {
    call_.facts.remembered_unless_refused = true;
    attempt_.forwards = true;
    // As planned, and not as it was made.
    attempt_.provider = "first";
    made_.provider = "fallback";
    made_.credential = "second";
    made_.caller = "alice";
  }

  // Where the answer lives for the caller once it has been told it.
  ResponseStore::Entry Told(const std::string& caller) {
    Caller named;
    named.id = caller;
    call_.caller = Borrow(named);
    call_.reused = std::make_unique<ReusedAnswer>();
    call_.reused->kept = std::make_shared<const KeptAnswer>(made_);
    EXPECT_FALSE(RememberForwarded(call_, attempt_, kId).has_value());
    call_.caller = UnknownCaller();
    return store_.Find(caller, kId);
  }

  KeptAnswer made_;
};

TEST_F(ConversationTest, WhatWasSaidComesBeforeWhatIsAsked) {
  Ask(v1::ROLE_SYSTEM, "be brief");
  Ask(v1::ROLE_USER, "and now?");
  ContinueFrom("resp_1");
  EXPECT_TRUE(Continue().ok());
  EXPECT_EQ(Said(),
            "system:be brief|user:before|assistant:I am an answer|"
            "user:and now?|");
  EXPECT_EQ(call_.request->previous_response_id(), "");
  EXPECT_FALSE(call_.may_forward());
  // The caller's own message is as it was.
  EXPECT_EQ(request_.messages_size(), 2);
}

TEST_F(ConversationTest, ACallWithoutAnIdStaysAsItIs) {
  Ask(v1::ROLE_USER, "hi");
  EXPECT_TRUE(Continue().ok());
  EXPECT_EQ(Said(), "user:hi|");
}

TEST_F(ConversationTest, AnIdThatNobodyKnowsIsRefused) {
  Ask(v1::ROLE_USER, "hi");
  for (const char* id : {"resp_2", "resp_1"}) {
    ContinueFrom(id);
    const absl::Status refused =
        Continue(id == std::string_view("resp_1") ? "bob" : "alice");
    EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_INVALID_REQUEST);
    ASSERT_EQ(FieldViolations(refused).size(), 1u);
    EXPECT_EQ(FieldViolations(refused)[0].first, "previous_response_id");
  }
  call_.responses = nullptr;
  EXPECT_FALSE(Continue().ok());
}

TEST_F(ConversationTest, AProviderOfTheSameDialectMayKnowTheId) {
  call_.facts.previous_response_id = "resp_theirs";
  EXPECT_FALSE(Continue("alice", /*forwards=*/false).ok());
  EXPECT_TRUE(Continue("alice", /*forwards=*/true).ok());
}

TEST_F(ConversationTest, AnAnswerIsRememberedWithWhatWasAsked) {
  Ask(v1::ROLE_SYSTEM, "be brief");
  Ask(v1::ROLE_USER, "hi");
  request_.set_store(true);
  const std::unique_ptr<ConversationRecorder> recorder = BeginToRecord();
  ASSERT_NE(recorder, nullptr);
  v1::GenerateResponse response;
  response.set_id("theirs");
  Say(v1::ROLE_ASSISTANT, "hello", response.add_choices()->mutable_message());
  recorder->Keep(&response);
  EXPECT_EQ(response.id().substr(0, 5), "resp_");
  const ResponseStore::Entry kept = store_.Find("alice", response.id());
  ASSERT_NE(kept, nullptr);
  ASSERT_EQ(kept->Before().size(), 1);
  EXPECT_EQ(kept->Before()[0].parts(0).text(), "hi");
  EXPECT_EQ(kept->Response().choices(0).message().parts(0).text(), "hello");
}

TEST_F(ConversationTest, InstructionsThatAreAPartOfItAreRemembered) {
  Ask(v1::ROLE_SYSTEM, "be brief");
  v1::Extension* mark = request_.mutable_messages(0)->add_extensions();
  mark->set_dialect("openai_responses");
  mark->set_name("type");
  mark->set_json("\"message\"");
  Ask(v1::ROLE_USER, "hello");
  request_.set_store(true);
  const std::unique_ptr<ConversationRecorder> recorder = BeginToRecord();
  ASSERT_NE(recorder, nullptr);
  v1::GenerateResponse response;
  recorder->Keep(&response);
  const ResponseStore::Entry kept = store_.Find("alice", response.id());
  ASSERT_NE(kept, nullptr);
  ASSERT_EQ(kept->Before().size(), 2);
  EXPECT_EQ(kept->Before()[0].role(), v1::ROLE_SYSTEM);
}

TEST_F(ConversationTest, AStreamIsRememberedOnceItIsWhole) {
  Ask(v1::ROLE_USER, "hi");
  call_.facts.remembered_unless_refused = true;
  const std::unique_ptr<ConversationRecorder> recorder = BeginToRecord();
  ASSERT_NE(recorder, nullptr);
  v1::GenerateEvent started;
  started.mutable_started()->set_id("theirs");
  recorder->Add(&started);
  const std::string id = started.started().id();
  EXPECT_NE(id, "theirs");
  v1::GenerateEvent piece;
  piece.mutable_delta()->set_text("hello");
  recorder->Add(&piece);
  EXPECT_EQ(store_.Find("alice", id), nullptr);
  recorder->Finish();
  const ResponseStore::Entry kept = store_.Find("alice", id);
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(kept->Response().choices(0).message().parts(0).text(), "hello");
}

TEST_F(ConversationTest, AStreamThatIsTooLargeIsForgotten) {
  call_.facts.remembered_unless_refused = true;
  const std::unique_ptr<ConversationRecorder> recorder = BeginToRecord();
  const int64_t before = store_.size_bytes();
  v1::GenerateEvent piece;
  piece.mutable_delta()->set_text(std::string(6'000, 'x'));
  for (int i = 0; i < 3; ++i) recorder->Add(&piece);
  const std::optional<UnkeptResponse> unkept = recorder->Finish();
  EXPECT_TRUE(unkept.has_value() && unkept->is_too_large);
  EXPECT_EQ(store_.unkept(ResponseStore::Unkept::kTooLarge), 1);
  EXPECT_EQ(store_.size_bytes(), before);
}

TEST_F(ConversationTest, WhatTheCallerDoesNotWantIsNotRemembered) {
  EXPECT_EQ(BeginToRecord(), nullptr);
  call_.facts.remembered_unless_refused = true;
  EXPECT_NE(BeginToRecord(), nullptr);
  request_.set_store(false);
  EXPECT_EQ(BeginToRecord(), nullptr);
  request_.set_store(true);
  EXPECT_NE(BeginToRecord(), nullptr);
  attempt_.forwards = true;
  EXPECT_EQ(BeginToRecord(), nullptr);
  attempt_.forwards = false;
  call_.responses = nullptr;
  EXPECT_EQ(BeginToRecord(), nullptr);
}

TEST_F(ReusedConversationTest, ItLivesWhereItWasMade) {
  const ResponseStore::Entry told = Told("alice");
  ASSERT_NE(told, nullptr);
  EXPECT_EQ(told->provider, "fallback");
  EXPECT_EQ(told->credential, "second");
}

TEST_F(ReusedConversationTest, ItIsNotAnothers) {
  EXPECT_EQ(Told("bob"), nullptr);
}

TEST_F(ReusedConversationTest, WhoseItIsMustBeKnown) {
  store_.Put("alice", kId, {.provider = "fallback", .credential = "second"});
  made_.caller = std::nullopt;
  made_.credential = "";
  EXPECT_EQ(Told("bob"), nullptr);
  const ResponseStore::Entry told = Told("alice");
  ASSERT_NE(told, nullptr);
  EXPECT_EQ(told->credential, "second");
  EXPECT_EQ(Told(""), nullptr);
}

}  // namespace
}  // namespace gateway
