#include "service/api/gateway_service.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/message.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "service/api/method_table.h"
#include "service/observability/call_record.h"
#include "service/pipeline/loop_services.h"
#include "tests/service/api/scripted_streams.h"
#include "tests/testing/event.h"
#include "tests/testing/mock_upstream_process.h"
#include "tests/testing/running_loop.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kReply[] = "This is the mock provider speaking.";
constexpr std::string_view kService = "llmgateway.v1.GatewayService";

// A client who is gone.
class GoneWriter final : public MessageWriter {
 public:
  bool WriteLast(const google::protobuf::Message&) override { return false; }

 private:
  StreamProgress StartWrite(const google::protobuf::Message&, size_t) override {
    return StreamProgress::kEnded;
  }
};

class GatewayServiceTest : public testing::Test {
 protected:
  GatewayServiceTest() { Open("providers: [{name: mock, mock: {}}]\n"); }

  void Open(const std::string& yaml,
            const std::string& default_target = "mock") {
    loop_.reset();
    loop_ = std::make_unique<RunningLoop>(MakeTestRuntime(
        absl::StrCat(yaml, "routing: {default_target: ", default_target, "}\n",
                     "resilience: {retry: "
                     "{attempts_limit: 1}}\n"),
        {{"ALICE", "alice-0123456789"}}));
    table_ = std::make_unique<MethodTable>();
    service_.AddTo(*table_);
    ASSERT_TRUE(table_->status().ok()) << table_->status();
  }

  // One call from its beginning to its end; `key` is an x-api-key.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(std::string_view method, const Request& request,
                               std::string_view key = "") {
    Response response;
    HandlerArguments arguments;
    arguments.request = &request;
    arguments.response = &response;
    const absl::Status status = Run(method, arguments, key);
    if (!status.ok()) return status;
    return response;
  }

  absl::StatusOr<v1::GenerateResponse> Generate(
      const v1::GenerateRequest& request) {
    return Ask<v1::GenerateResponse>("Generate", request);
  }

  absl::Status Stream(const v1::GenerateRequest& request,
                      MessageWriter& writer, std::string_view key = "") {
    HandlerArguments arguments;
    arguments.request = &request;
    arguments.writer = &writer;
    return Run("StreamGenerate", arguments, key);
  }

  absl::Status Run(std::string_view method, const HandlerArguments& arguments,
                   std::string_view key,
                   std::string_view service = kService) {
    const std::string name = absl::StrCat(std::string(service), "/",
                                          std::string(method));
    absl::Status status;
    loop_->Run([&]() -> Task<void> {
      CallContext context(loop_->loop(),
                          {.method = name, .time = loop_->loop().Now()});
      context.AddMetadata("x-request-id", "req-1");
      context.set_request_bytes(arguments.request->ByteSizeLong());
      if (!key.empty()) context.AddMetadata("x-api-key", key);
      Copy copy(context, arguments);
      status = co_await Find(name).Run(context, copy.arguments);
      copy.TakeResponse(arguments);
    });
    return status;
  }

  const Method& Find(const std::string& name) {
    return *table_->Find("/" + name);
  }

  static v1::GenerateRequest Request(const std::string& model = "mock-model") {
    v1::GenerateRequest request;
    request.set_model(model);
    v1::Message* const message = request.add_messages();
    message->set_role(v1::ROLE_USER);
    message->add_parts()->set_text("hi");
    return request;
  }

  static v1::ErrorReason Reason(const absl::Status& status) {
    return FaultReason(status);
  }

  // Messages live on the call's arena, as an engine has them.
  struct Copy {
    Copy(CallContext& context, const HandlerArguments& given)
        : arguments(given) {
      auto* const request = given.request->New(context.arena());
      request->CopyFrom(*given.request);
      arguments.request = request;
      if (given.response != nullptr) {
        arguments.response = given.response->New(context.arena());
      }
    }
    void TakeResponse(const HandlerArguments& given) const {
      if (given.response != nullptr) {
        given.response->CopyFrom(*arguments.response);
      }
    }
    HandlerArguments arguments;
  };

  std::unique_ptr<RunningLoop> loop_;
  GatewayService service_{
      [this](EventLoop&) -> LoopServices& { return loop_->services(); }};
  std::unique_ptr<MethodTable> table_;
};

TEST_F(GatewayServiceTest, AnAnswerTellsWhatItSaysAndWhereItCameFrom) {
  const absl::StatusOr<v1::GenerateResponse> response = Generate(Request());
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->choices_size(), 1);
  EXPECT_EQ(response->choices(0).message().parts(0).text(), kReply);
  EXPECT_EQ(response->request_id(), "req-1");
  EXPECT_EQ(response->route().provider(), "mock");
  EXPECT_EQ(response->route().reason(), "default");
  EXPECT_EQ(response->usage().output_tokens(), 20);
  const auto kept = loop_->NextRecord();
  const CallRecord& record = kept->record();
  EXPECT_EQ(record.protocol, Protocol::kGrpc);
  EXPECT_EQ(record.operation, "llmgateway.v1.GatewayService/Generate");
  EXPECT_EQ(record.request_id, "req-1");
  EXPECT_EQ(record.request_bytes,
            static_cast<int64_t>(Request().ByteSizeLong()));
  EXPECT_EQ(record.response_bytes,
            static_cast<int64_t>(response->ByteSizeLong()));
  EXPECT_EQ(record.http_status, 0);
  EXPECT_FALSE(record.stream);
}

TEST_F(GatewayServiceTest, OnBehalfOfWhomIsRecordedAndNeverRefused) {
  v1::GenerateRequest request = Request();
  v1::CallerScope& scope = *request.mutable_scope();
  scope.set_user_id("u");
  scope.set_session_id("s");
  scope.set_work_order_id("w");
  scope.set_agent_id("a");
  scope.set_agent_type("t");
  scope.set_project_id("p");
  scope.set_contract_id("c");
  scope.set_framework_id("f");
  scope.set_tier("hot");
  (*request.mutable_labels())["team"] = "search";
  KeepingWriter<v1::GenerateEvent> writer;
  // A stream's request is let go of before the call is recorded.
  ASSERT_TRUE(Stream(request, writer).ok());
  const auto kept = loop_->NextRecord();
  const CallRecord& record = kept->record();
  EXPECT_EQ(record.scope.user_id, "u");
  EXPECT_EQ(record.scope.session_id, "s");
  EXPECT_EQ(record.scope.work_order_id, "w");
  EXPECT_EQ(record.scope.agent_id, "a");
  EXPECT_EQ(record.scope.agent_type, "t");
  EXPECT_EQ(record.scope.project_id, "p");
  EXPECT_EQ(record.scope.contract_id, "c");
  EXPECT_EQ(record.scope.framework_id, "f");
  EXPECT_EQ(record.scope.tier, "hot");
  ASSERT_EQ(record.labels.size(), 1u);
  EXPECT_EQ(record.labels[0].key, "team");
  EXPECT_EQ(record.labels[0].value, "search");
  EXPECT_EQ(record.finish_reason, v1::FINISH_REASON_STOP);
}

TEST_F(GatewayServiceTest, TheGatewaysOwnTimeIsMeasured) {
  const absl::StatusOr<v1::GenerateResponse> response = Generate(Request());
  ASSERT_TRUE(response.ok()) << response.status();
  // More than none, and less than all.
  const auto& overhead = response->timings().overhead();
  EXPECT_GT(overhead.nanos() + overhead.seconds(), 0);
  const auto kept = loop_->NextRecord();
  ASSERT_TRUE(kept->record().overhead.has_value());
  EXPECT_GT(*kept->record().overhead, absl::ZeroDuration());
  EXPECT_LT(*kept->record().overhead, kept->record().duration);
}

TEST_F(GatewayServiceTest, AModelIsNeededOnlyWhereNoDefaultNamesOne) {
  EXPECT_EQ(FieldViolations(Generate(Request("")).status())[0].first, "model");
  Open("providers: [{name: mock, mock: {}}]\n", "mock/mock-model");
  const absl::StatusOr<v1::GenerateResponse> response = Generate(Request(""));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->route().model(), "mock-model");
  EXPECT_EQ(response->route().reason(), "default");
}

TEST_F(GatewayServiceTest, TheOldNameRunsTheSameHandler) {
  const v1::GenerateRequest request = Request();
  v1::GenerateResponse response;
  HandlerArguments arguments;
  arguments.request = &request;
  arguments.response = &response;
  const absl::Status status =
      Run("Route", arguments, "", "llmgateway.v1.PromptRouter");
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(response.choices(0).message().parts(0).text(), kReply);
  EXPECT_EQ(loop_->NextRecord()->record().operation,
            "llmgateway.v1.PromptRouter/Route");
}

TEST_F(GatewayServiceTest, AStreamIsNumberedAndEndsOnce) {
  KeepingWriter<v1::GenerateEvent> writer;
  ASSERT_TRUE(Stream(Request(), writer).ok());
  const std::vector<v1::GenerateEvent>& events = writer.written();
  ASSERT_GE(events.size(), 4u);
  std::string text;
  int64_t bytes = 0;
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].seq(), static_cast<int64_t>(i + 1));
    EXPECT_EQ(events[i].has_started(), i == 0);
    EXPECT_EQ(events[i].has_end(), i + 1 == events.size());
    text += events[i].delta().text();
    bytes += static_cast<int64_t>(events[i].ByteSizeLong());
  }
  EXPECT_EQ(text, kReply);
  EXPECT_EQ(events.front().started().request_id(), "req-1");
  EXPECT_EQ(events.front().started().route().provider(), "mock");
  const v1::StreamEnd& end = events.back().end();
  EXPECT_EQ(end.outcome(), v1::StreamEnd::OUTCOME_FINISHED);
  EXPECT_EQ(end.usage().output_tokens(), 20);
  EXPECT_EQ(end.attempts_size(), 1);
  const auto kept = loop_->NextRecord();
  EXPECT_TRUE(kept->record().stream);
  EXPECT_EQ(kept->record().response_bytes, bytes);
}

TEST_F(GatewayServiceTest, AFailureIsToldByItsStatus) {
  Open("providers: [{name: mock, mock: {fault: rate_limited}}]\n");
  EXPECT_EQ(Reason(Generate(Request()).status()),
            v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  // A stream that has not begun has no events either.
  KeepingWriter<v1::GenerateEvent> writer;
  EXPECT_EQ(Reason(Stream(Request(), writer)),
            v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  EXPECT_THAT(writer.written(), IsEmpty());
}

TEST_F(GatewayServiceTest, AStreamThatBreaksOffSaysSoInItsLastEventToo) {
  Open("providers: [{name: mock, mock: {fault: interrupted, "
       "fault_after_chunks: 2}}]\n");
  KeepingWriter<v1::GenerateEvent> writer;
  EXPECT_EQ(Reason(Stream(Request(), writer)),
            v1::ERROR_REASON_STREAM_INTERRUPTED);
  const v1::GenerateEvent& last = writer.written().back();
  EXPECT_EQ(last.seq(), static_cast<int64_t>(writer.written().size()));
  EXPECT_EQ(last.end().outcome(), v1::StreamEnd::OUTCOME_TRUNCATED);
  EXPECT_EQ(last.end().error().reason(), v1::ERROR_REASON_STREAM_INTERRUPTED);
}

TEST_F(GatewayServiceTest, ARequestThatCannotBeMadeNamesItsFields) {
  v1::GenerateRequest request = Request();
  request.mutable_sampling()->set_temperature(9);
  const absl::Status status = Generate(request).status();
  EXPECT_EQ(Reason(status), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(FieldViolations(status)[0].first, "sampling.temperature");
  request = Request();
  request.set_provider_id("nobody");
  EXPECT_EQ(Reason(Generate(request).status()),
            v1::ERROR_REASON_PROVIDER_NOT_FOUND);
}

TEST_F(GatewayServiceTest, AClientWhoIsGoneEndsTheStream) {
  GoneWriter writer;
  EXPECT_EQ(Stream(Request(), writer).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(loop_->NextRecord()->record().error_reason,
            v1::ERROR_REASON_CANCELLED);
}

TEST_F(GatewayServiceTest, AClientWhoDoesNotReadHoldsTheStreamBack) {
  KeepingWriter<v1::GenerateEvent> writer;
  writer.HoldUp();
  const v1::GenerateRequest request = Request();
  CallContext context(loop_->loop(), {.method = "m"});
  absl::Status status;
  Event ended;
  const auto stream = [&]() -> Task<void> {
    status = co_await service_.StreamGenerate(context, request, writer);
    ended.Set();
  };
  loop_->loop().Post([&] { Spawn(stream()); });
  // One more event for each that is taken, and none before.
  for (size_t taken = 0; !ended.IsSet(); ++taken) {
    bool waiting = false;
    while (!waiting && !ended.IsSet()) {
      loop_->Run([&]() -> Task<void> {
        waiting = writer.waiting();
        if (waiting) {
          EXPECT_EQ(writer.written().size(), taken + 1);
          writer.Release(true);
        }
        co_return;
      });
    }
  }
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(writer.written().back().has_end());
}

TEST_F(GatewayServiceTest, ACallEndsWhenItIsCancelled) {
  Open("providers: [{name: mock, mock: {fault: hang}}]\n");
  const v1::GenerateRequest request = Request();
  absl::Status status;
  loop_->Run([&]() -> Task<void> {
    CallContext context(loop_->loop(), {.method = "m"});
    Timer hang_up([&context] {
      context.cancel().Cancel(absl::DeadlineExceededError("too late"));
    });
    loop_->loop().ArmTimer(hang_up, absl::Milliseconds(1));
    auto* const response =
        google::protobuf::Arena::CreateMessage<v1::GenerateResponse>(
            context.arena());
    status = co_await service_.Generate(context, request, response);
  });
  EXPECT_EQ(status, absl::DeadlineExceededError("too late"));
  EXPECT_EQ(loop_->NextRecord()->record().error_reason,
            v1::ERROR_REASON_DEADLINE_EXCEEDED);
}

TEST_F(GatewayServiceTest, TokensAreCountedByTheProviderIfItCan) {
  Open("providers: [{name: mock, mock: {input_tokens: 42}}, "
       "{name: openai, openai_compatible: {base_url: 'http://127.0.0.1:1'}}]"
       "\n");
  v1::CountTokensRequest request;
  *request.mutable_request() = Request();
  auto response = Ask<v1::CountTokensResponse>("CountTokens", request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->input_tokens(), 42);
  EXPECT_EQ(response->source(), v1::CountTokensResponse::SOURCE_PROVIDER);
  EXPECT_EQ(response->route().provider(), "mock");
  EXPECT_EQ(loop_->NextRecord()->record().operation,
            "llmgateway.v1.GatewayService/CountTokens");

  request.mutable_request()->set_provider_id("openai");
  response = Ask<v1::CountTokensResponse>("CountTokens", request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_GT(response->input_tokens(), 0);
  EXPECT_EQ(response->source(), v1::CountTokensResponse::SOURCE_ESTIMATE);
  EXPECT_EQ(response->route().provider(), "openai");

  request.clear_request();
  EXPECT_EQ(
      Reason(Ask<v1::CountTokensResponse>("CountTokens", request).status()),
      v1::ERROR_REASON_INVALID_REQUEST);
}

TEST_F(GatewayServiceTest, ModelsAreListedAndFoundByName) {
  Open("providers: [{name: mock, mock: {}, models: [b, a]}]\n");
  const auto list =
      Ask<v1::ListModelsResponse>("ListModels", v1::ListModelsRequest());
  ASSERT_TRUE(list.ok()) << list.status();
  std::vector<std::string> names;
  for (const v1::Model& model : list->models()) names.push_back(model.name());
  EXPECT_THAT(names, ElementsAre("a", "b"));

  v1::GetModelRequest request;
  request.set_name("a");
  const auto model = Ask<v1::Model>("GetModel", request);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->provider(), "mock");
  request.set_name("nobody");
  const absl::Status missing = Ask<v1::Model>("GetModel", request).status();
  EXPECT_EQ(Reason(missing), v1::ERROR_REASON_MODEL_NOT_FOUND);
  EXPECT_EQ(FaultMetadata(missing, "model"), "nobody");
  request.clear_name();
  EXPECT_EQ(FieldViolations(Ask<v1::Model>("GetModel", request).status())[0]
                .first,
            "name");
}

TEST_F(GatewayServiceTest, ModelsThatAProviderSaysItHasAreListedToo) {
  const auto upstream = MockUpstreamProcess::Start({});
  ASSERT_TRUE(upstream.ok()) << upstream.status();
  const std::string config =
      absl::StrCat("providers:\n"
                   "- name: mock\n"
                   "  mock: {}\n"
                   "- name: theirs\n"
                   "  discover_models: true\n"
                   "  openai: {base_url: 'http://",
                   (*upstream)->address(), "/v1'}\n");
  Open(config);
  v1::GetModelRequest request;
  request.set_name("gpt-mock");
  const auto model = Ask<v1::Model>("GetModel", request);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->provider(), "theirs");
  Open(config);  // Nothing is known any more.
  v1::ListModelsRequest list;
  list.set_provider_id("theirs");
  const auto models = Ask<v1::ListModelsResponse>("ListModels", list);
  ASSERT_TRUE(models.ok()) << models.status();
  EXPECT_EQ(models->models(0).name(), "claude-mock");
}

TEST_F(GatewayServiceTest, AProviderThatCannotBeAskedTakesNoModelAway) {
  Open("providers:\n"
       "- name: mock\n"
       "  mock: {}\n"
       "- name: down\n"
       "  models: [a]\n"
       "  discover_models: true\n"
       "  openai: {base_url: 'http://127.0.0.1:1'}\n");
  const auto list =
      Ask<v1::ListModelsResponse>("ListModels", v1::ListModelsRequest());
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->models_size(), 2);
  v1::GetModelRequest request;
  request.set_name("a");
  EXPECT_TRUE(Ask<v1::Model>("GetModel", request).ok());
}

TEST_F(GatewayServiceTest, EveryMethodAsksWhoCalls) {
  Open("providers: [{name: mock, mock: {}}]\n"
       "auth: {callers: {api_keys: [{id: alice, key: 'env:ALICE'}]}}\n");
  constexpr std::string_view kKey = "alice-0123456789";
  v1::CountTokensRequest count;
  *count.mutable_request() = Request();
  v1::GetModelRequest get;
  get.set_name("mock-model");
  const auto ask_all = [&](std::string_view key) {
    KeepingWriter<v1::GenerateEvent> writer;
    return std::vector<absl::Status>{
        Ask<v1::GenerateResponse>("Generate", Request(), key).status(),
        Stream(Request(), writer, key),
        Ask<v1::CountTokensResponse>("CountTokens", count, key).status(),
        Ask<v1::ListModelsResponse>("ListModels", v1::ListModelsRequest(), key)
            .status(),
        Ask<v1::Model>("GetModel", get, key).status()};
  };
  for (std::string_view wrong : {"", "bob-0123456789"}) {
    for (const absl::Status& status : ask_all(wrong)) {
      EXPECT_EQ(Reason(status), v1::ERROR_REASON_API_KEY_INVALID) << status;
    }
  }
  for (const absl::Status& status : ask_all(kKey)) {
    EXPECT_TRUE(status.ok()) << status;
  }
}

TEST_F(GatewayServiceTest, WithoutSessionsTheyAreNotConfigured) {
  v1::GenerateRequest request = Request();
  request.set_session("s");
  for (const absl::Status& refused :
       {Ask<v1::Session>("CreateSession", v1::CreateSessionRequest()).status(),
        Ask<v1::Session>("GetSession", v1::GetSessionRequest()).status(),
        Ask<v1::DeleteSessionResponse>("DeleteSession",
                                       v1::DeleteSessionRequest())
            .status(),
        Generate(request).status()}) {
    EXPECT_EQ(Reason(refused), v1::ERROR_REASON_NOT_CONFIGURED) << refused;
    EXPECT_EQ(FaultMetadata(refused, "field"), "sessions");
  }
}

TEST_F(GatewayServiceTest, AConversationGoesOnFromAnAnswerThatWasStored) {
  const absl::StatusOr<v1::GenerateResponse> forgotten = Generate(Request());
  ASSERT_TRUE(forgotten.ok());
  v1::GenerateRequest next = Request();
  next.set_previous_response_id(forgotten->id());
  EXPECT_EQ(Reason(Generate(next).status()), v1::ERROR_REASON_INVALID_REQUEST);

  v1::GenerateRequest stored = Request();
  stored.set_store(true);
  const absl::StatusOr<v1::GenerateResponse> kept = Generate(stored);
  ASSERT_TRUE(kept.ok());
  next.set_previous_response_id(kept->id());
  EXPECT_TRUE(Generate(next).ok());

  KeepingWriter<v1::GenerateEvent> writer;
  ASSERT_TRUE(Stream(stored, writer).ok());
  next.set_previous_response_id(writer.written().front().started().id());
  EXPECT_TRUE(Generate(next).ok());
}

}  // namespace
}  // namespace gateway
