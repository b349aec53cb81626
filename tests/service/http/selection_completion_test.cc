#include "service/http/selection_completion.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/selection_chat/selection_chat.h"
#include "service/http/http_api.h"
#include "service/http/request_context.h"
#include "service/pipeline/loop_services.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/running_loop.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kNeeded[] = {"streaming", "vision"};

// Completes one selection, with `kNeeded` and the node `usual` for defaults.
class Completer final : public HttpHandler {
 public:
  Completer(LoopServices& services, v1::GenerateRequest* request,
            absl::Status* status)
      : services_(services), request_(*request), status_(*status) {}

  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override {
    const SelectionChat dialect;
    const HttpApi api = {.vendor = "test", .dialect = &dialect};
    RequestContext context(services_, api, request, responder);
    CompleteSelection(context, {.node = "usual", .capabilities = kNeeded},
                      &request_);
    status_ = CheckThatThereIsAModel(context, request_);
    co_await SendJson(std::move(context), "{}");
  }

 private:
  LoopServices& services_;
  v1::GenerateRequest& request_;
  absl::Status& status_;
};

constexpr char kOnePolicy[] =
    "routing: {selection: {policies: [{id: a, target: mock/m}]}}\n";
constexpr char kDefault[] = "routing: {default_target: mock/m}\n";

class SelectionCompletionTest : public testing::Test {
 protected:
  // `fields` are lines that end in CRLF.
  absl::Status Complete(std::string_view config, v1::Selection* selection,
                        std::string_view fields = "") {
    v1::GenerateRequest request;
    *request.mutable_selection() = *selection;
    absl::Status status;
    RunningLoop loop(
        MakeTestRuntime(absl::StrCat("providers: [{name: mock, mock: {}}]\n",
                                     std::string(config))),
        [&](LoopServices& services) {
          return std::make_unique<Completer>(services, &request, &status);
        });
    RawClient client = RawClient::Connect(loop.port());
    client.Send(absl::StrCat("GET / HTTP/1.1\r\nhost: localhost\r\n",
                             std::string(fields), "\r\n"));
    EXPECT_EQ(client.ReceiveAnswer(false).status, 200);
    *selection = request.selection();
    return status;
  }
};

TEST_F(SelectionCompletionTest, DefaultsAreForWhatNobodySays) {
  v1::Selection selection;
  EXPECT_TRUE(Complete(kOnePolicy, &selection).ok());
  EXPECT_EQ(selection.node_name(), "usual");
  EXPECT_THAT(selection.capabilities(), ElementsAre("streaming", "vision"));

  selection.Clear();
  selection.set_node_name("mine");
  selection.add_capabilities("reasoning");
  EXPECT_TRUE(Complete(kOnePolicy, &selection).ok());
  EXPECT_EQ(selection.node_name(), "mine");
  EXPECT_THAT(selection.capabilities(), ElementsAre("reasoning"));

  // Said beside the request.
  selection.Clear();
  EXPECT_TRUE(Complete(kOnePolicy, &selection,
                       "x-llmgateway-node: n\r\n"
                       "x-llmgateway-capabilities: reasoning\r\n")
                  .ok());
  EXPECT_EQ(selection.node_name(), "");
  EXPECT_THAT(selection.capabilities(), IsEmpty());
}

TEST_F(SelectionCompletionTest, WithoutPoliciesOnlyWhatIsInsistedOnCounts) {
  v1::Selection selection;
  selection.set_node_name("mine");
  selection.set_strategy(v1::Selection::STRATEGY_BALANCED);
  EXPECT_TRUE(Complete(kDefault, &selection).ok());
  EXPECT_EQ(selection.ByteSizeLong(), 0u);

  selection.add_capabilities("vision");
  EXPECT_TRUE(Complete(kDefault, &selection).ok());
  EXPECT_THAT(selection.capabilities(), ElementsAre("vision"));

  selection.Clear();
  selection.set_node_name("mine");
  EXPECT_TRUE(
      Complete(kDefault, &selection, "x-llmgateway-strategy: balanced\r\n")
          .ok());
  EXPECT_EQ(selection.node_name(), "mine");
}

TEST_F(SelectionCompletionTest, WithoutADefaultEitherThereIsNoModel) {
  v1::Selection selection;
  const absl::Status status = Complete("", &selection);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_MODEL_NOT_FOUND);
}

TEST_F(SelectionCompletionTest, OutsideOfARolloutItsBaselineHasTheModel) {
  constexpr std::string_view kOff =
      "routing: {rollout: {percentage: 0, baseline: mock/before}}\n";
  v1::Selection selection;
  EXPECT_TRUE(Complete(kOff, &selection).ok());
  constexpr std::string_view kWhole =
      "routing: {rollout: {percentage: 100, baseline: mock/before}}\n";
  EXPECT_EQ(FaultReason(Complete(kWhole, &selection)),
            v1::ERROR_REASON_MODEL_NOT_FOUND);
  constexpr std::string_view kNameless =
      "routing: {rollout: {percentage: 0, baseline: mock}}\n";
  EXPECT_EQ(FaultReason(Complete(kNameless, &selection)),
            v1::ERROR_REASON_MODEL_NOT_FOUND);
}

TEST_F(SelectionCompletionTest, AProviderWithoutAModelOfItsIsRefused) {
  for (const char* config : {kOnePolicy, kDefault}) {
    v1::Selection selection;
    const absl::Status status =
        Complete(config, &selection, "x-llmgateway-provider: mock\r\n");
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST);
    EXPECT_THAT(std::string(status.message()),
                testing::HasSubstr("x-llmgateway-provider"));
  }
}

}  // namespace
}  // namespace gateway
