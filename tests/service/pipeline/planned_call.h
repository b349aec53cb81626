// PlannedCallTest is the ground for tests of what calls are compared by and
// answered with: a call to OpenAI's API that has been planned, and is made
// nowhere.
//
// Thread contract: one thread.

#ifndef TESTS_SERVICE_PIPELINE_PLANNED_CALL_H_
#define TESTS_SERVICE_PIPELINE_PLANNED_CALL_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "service/pipeline/call.h"
#include "service/pipeline/plan.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {

class PlannedCallTest : public testing::Test {
 protected:
  PlannedCallTest() {
    call_.facts.operation = "POST /v1/chat/completions";
    call_.facts.request_id = "call_1";
    request_.set_model("gpt-x");
    SetBody(R"({"model":"gpt-x","messages":[]})");
  }

  // Takes the bytes in, and plans the call anew.
  void SetBody(std::string_view body) {
    body_ = body;
    raw_ = {.dialect = &dialect_, .body = body_};
    EXPECT_TRUE(dialect_.ScanRequest(raw_.body, &raw_.scan).ok());
    call_.raw = &raw_;
    call_.request = nullptr;
    call_.facts.dialect = dialect_.name();
    call_.facts.request_bytes = body_.size();
    PlanFor(raw_.scan.model);
  }

  // The same with a message, as by gRPC.
  void SetMessage() {
    call_.raw = nullptr;
    call_.request = &request_;
    call_.facts.dialect = {};
    PlanFor(request_.model());
  }

  void PlanFor(std::string_view model) {
    model_ = model;
    call_.facts.model = model_;
    absl::StatusOr<Planned> planned = Plan(call_, *call_.caller, {});
    ASSERT_TRUE(planned.ok()) << planned.status();
    call_.planned = *std::move(planned);
  }

  const OpenAiChat dialect_;
  LoopClient client_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
  v1::GenerateRequest request_;
  std::string body_;
  std::string model_;
  RawRequest raw_;
  Call call_{MakeTestRuntime("providers:\n"
                             "- name: openai\n"
                             "  openai: {api_key: 'env:KEY'}\n"
                             "  model_aliases: {fast: gpt-mini}\n"
                             "routing: {default_target: openai}\n",
                             {{"KEY", "sk-test-secret-0123456789"}}),
             client_.loop(),
             client_.http(),
             cancel_,
             arena_,
             client_.loop().Now()};
};

}  // namespace gateway

#endif  // TESTS_SERVICE_PIPELINE_PLANNED_CALL_H_
