#include "service/pipeline/admission.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "service/pipeline/incoming_call.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

class AdmissionTest : public testing::Test {
 protected:
  AdmissionTest() {
    request_.set_model("m");
    v1::Message* const message = request_.add_messages();
    message->set_role(v1::ROLE_USER);
    message->add_parts()->set_text("hi");
    call_.request = &request_;
    call_.facts.head.authorization = "Bearer alice-0123456789";
  }

  std::string Outcome() {
    const absl::StatusOr<CallerRef> caller = Authenticate(call_);
    const absl::Status status =
        caller.ok() ? Admit(call_, **caller).status() : caller.status();
    return status.ok() ? "OK" : std::string(ReasonName(FaultReason(status)));
  }

  LoopClient client_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
  v1::GenerateRequest request_;
  RawRequest raw_;
  IncomingCall call_{MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"
                                     "auth: {callers: {api_keys: [\n"
                                     "  {id: alice, key: 'env:A'}]}}\n"
                                     "limits: {messages_limit: 1}\n",
                                     {{"A", "alice-0123456789"}}),
                     client_.loop(),
                     client_.http(),
                     cancel_,
                     arena_,
                     client_.loop().Now()};
};

TEST_F(AdmissionTest, LetsAKnownCallerIn) {
  EXPECT_EQ(Outcome(), "OK");
  EXPECT_EQ(Authenticate(call_).value()->id, "alice");
  // Whom the API has asked already is not asked again.
  call_.facts.head.authorization = "";
  Caller bob;
  bob.id = "bob";
  call_.known_caller = Borrow(bob);
  EXPECT_EQ(Authenticate(call_).value()->id, "bob");
}

TEST_F(AdmissionTest, WhomTheApiHasRefusedIsNotAskedAgain) {
  call_.known_caller =
      MakeFault(v1::ERROR_REASON_RATE_LIMITED, "too many wrong keys");
  EXPECT_EQ(Outcome(), "RATE_LIMITED");
}

TEST_F(AdmissionTest, AsksWhoItIsBeforeAnythingElse) {
  call_.facts.head.authorization = "";
  call_.api_error = absl::InvalidArgumentError("broken");
  request_.clear_model();
  EXPECT_EQ(Outcome(), "API_KEY_INVALID");
  call_.facts.head.api_key = "alice-0123456789";
  EXPECT_EQ(Outcome(), "INVALID_REQUEST");
}

TEST_F(AdmissionTest, ChecksParsedRequestsByTheConfiguredLimits) {
  *request_.add_messages() = request_.messages(0);
  EXPECT_EQ(Outcome(), "INVALID_REQUEST");
}

TEST_F(AdmissionTest, LeavesRawRequestsToTheirDialect) {
  call_.request = nullptr;
  call_.raw = &raw_;
  raw_.scan.has_messages = true;
  raw_.scan.message_count = 1;
  EXPECT_EQ(Outcome(), "OK");
}

TEST_F(AdmissionTest, CountsOfWhatIsOnlyForwardedAreLimitedToo) {
  call_.request = nullptr;
  call_.raw = &raw_;
  EXPECT_EQ(Outcome(), "INVALID_REQUEST");
  call_.facts.counts = true;  // There may be a whole request inside.
  EXPECT_EQ(Outcome(), "OK");
  call_.facts.counts = false;
  raw_.scan.needs_messages = false;
  EXPECT_EQ(Outcome(), "OK");
  raw_.scan.absent_field = "max_tokens";
  EXPECT_EQ(Outcome(), "INVALID_REQUEST");
  raw_.scan.absent_field = {};
  raw_.scan.message_count = 2;
  EXPECT_EQ(Outcome(), "INVALID_REQUEST");
  raw_.scan.message_count = 1;
  raw_.scan.tool_count = 512;
  EXPECT_EQ(Outcome(), "OK");
  raw_.scan.tool_count = 513;
  EXPECT_EQ(Outcome(), "INVALID_REQUEST");
}

class ScopedAdmissionTest : public AdmissionTest {
 protected:
  // The reason of the refusal, or OK, for a caller with these scopes.
  std::string OutcomeWith(const std::vector<std::string>& scopes) {
    Caller caller;
    caller.scopes = Scopes::Parse(scopes).value();
    const absl::Status status = Admit(call_, caller).status();
    return status.ok() ? "OK" : std::string(ReasonName(FaultReason(status)));
  }
};

TEST_F(ScopedAdmissionTest, AllowsWhatTheScopesDo) {
  call_.facts.model = "m";
  EXPECT_EQ(OutcomeWith({}), "OK");
  EXPECT_EQ(OutcomeWith({"model:m", "rpc:Generate"}), "OK");
  EXPECT_EQ(OutcomeWith({"model:other"}), "MODEL_NOT_ALLOWED");
  EXPECT_EQ(OutcomeWith({"rpc:Embed"}), "FORBIDDEN");
}

TEST_F(ScopedAdmissionTest, TellsTheOperationsApart) {
  call_.facts.stream = true;
  EXPECT_EQ(OutcomeWith({"rpc:StreamGenerate"}), "OK");
  EXPECT_EQ(OutcomeWith({"rpc:Generate"}), "FORBIDDEN");
  call_.facts.counts = true;
  EXPECT_EQ(OutcomeWith({"rpc:CountTokens"}), "OK");
  EXPECT_EQ(OutcomeWith({"rpc:StreamGenerate"}), "FORBIDDEN");
}

TEST_F(ScopedAdmissionTest, LooksAtProvidersAndTagsThatAreNamed) {
  call_.facts.provider = "mock";
  request_.add_domain_tags("legal");
  EXPECT_EQ(OutcomeWith({"provider:mock", "tag:legal"}), "OK");
  EXPECT_EQ(OutcomeWith({"provider:other"}), "FORBIDDEN");
  EXPECT_EQ(OutcomeWith({"tag:batch"}), "FORBIDDEN");
}

TEST_F(AdmissionTest, AKeysLabelsCountBeforeTheCalls) {
  (*request_.mutable_labels())["team"] = "red";
  Caller caller;
  caller.labels = {{"team", "blue"}, {"cost_center", "7"}};
  const absl::StatusOr<Admitted> admitted = Admit(call_, caller);
  ASSERT_TRUE(admitted.ok()) << admitted.status();
  ASSERT_EQ(admitted->labels.size(), 2u);
  EXPECT_EQ(admitted->labels[0].key, "team");
  EXPECT_EQ(admitted->labels[0].value, "blue");
  EXPECT_EQ(admitted->labels[1].key, "cost_center");
}

TEST_F(AdmissionTest, KeepsWhomTheCallerActsFor) {
  request_.mutable_scope()->set_user_id("u");
  request_.mutable_scope()->set_project_id(std::string(400, 'p'));
  (*request_.mutable_labels())["team"] = "red";
  const absl::StatusOr<Admitted> admitted = Admit(call_, *AnonymousCaller());
  ASSERT_TRUE(admitted.ok()) << admitted.status();
  EXPECT_EQ(admitted->scope.user_id, "u");
  EXPECT_EQ(admitted->scope.project_id, std::string(247, 'p') + "#c96581d4");
  ASSERT_EQ(admitted->labels.size(), 1u);
  EXPECT_EQ(admitted->labels[0].key, "team");
  EXPECT_EQ(admitted->labels[0].value, "red");
  EXPECT_FALSE(admitted->continuation.continued);
}

TEST_F(AdmissionTest, OfARefusedCallItIsKnownForWhomItWas) {
  request_.mutable_scope()->set_contract_id("C9");
  request_.mutable_scope()->set_project_id(std::string(400, 'p'));
  request_.mutable_sampling()->set_temperature(3);
  (*request_.mutable_labels())["team"] = "red";
  CallDirectives directives;
  ASSERT_TRUE(directives.Take("x-llmgateway-session", "S9"));
  call_.facts.directives = &directives;
  Caller caller;
  caller.labels = {{"cost_center", "7"}};
  EXPECT_FALSE(Admit(call_, caller).ok());
  const Admitted said = RefusedAsSaid(call_, caller);
  EXPECT_EQ(said.scope.contract_id, "C9");
  EXPECT_EQ(said.scope.session_id, "S9");
  EXPECT_EQ(said.scope.project_id, std::string(247, 'p') + "#c96581d4");
  ASSERT_EQ(said.labels.size(), 2u);
  EXPECT_EQ(said.labels[0].value, "red");
  EXPECT_EQ(said.labels[1].value, "7");
  // Who contradicts what the request says is known by that.
  CallDirectives others;
  ASSERT_TRUE(others.Take("x-llmgateway-project", "other"));
  call_.facts.directives = &others;
  EXPECT_FALSE(Admit(call_, caller).ok());
  EXPECT_EQ(RefusedAsSaid(call_, caller).scope.contract_id, "C9");
}

TEST_F(AdmissionTest, KeysAreInNothingThatTellsCallersApart) {
  constexpr std::string_view kKey = "sk-proj-0123456789abcdefghij";
  request_.mutable_scope()->set_user_id(std::string(kKey));
  (*request_.mutable_labels())["team"] = kKey;
  CallDirectives directives;
  // Said twice, it is still the same.
  ASSERT_TRUE(directives.Take("x-llmgateway-user", kKey));
  ASSERT_TRUE(directives.Take("x-llmgateway-session", "alice-0123456789"));
  call_.facts.directives = &directives;
  const absl::StatusOr<Admitted> admitted = Admit(call_, *AnonymousCaller());
  ASSERT_TRUE(admitted.ok()) << admitted.status();
  EXPECT_TRUE(admitted->scope.user_id.starts_with("[redacted:keys]#"))
      << admitted->scope.user_id;
  EXPECT_TRUE(admitted->scope.session_id.starts_with(
      "[redacted:configured_secret]#"))
      << admitted->scope.session_id;
  ASSERT_EQ(admitted->labels.size(), 1u);
  EXPECT_EQ(admitted->labels[0].value, admitted->scope.user_id);
}

TEST_F(AdmissionTest, NamesHaveALength) {
  const std::string name(1024, 'm');
  const std::string longer(1025, 'm');
  for (std::string_view CallFacts::*fact :
       {&CallFacts::model, &CallFacts::provider,
        &CallFacts::previous_response_id}) {
    call_.facts.*fact = longer;
    EXPECT_EQ(Outcome(), "INVALID_REQUEST");
    call_.facts.*fact = name;
    EXPECT_EQ(Outcome(), "OK");
  }
}

}  // namespace
}  // namespace gateway
