// The Ollama provider against a server that plays Ollama, and plays it badly.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "tests/providers/upstream_test.h"
#include "tests/testing/provider_calls.h"

namespace gateway {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

class OllamaUpstreamTest : public UpstreamTest {
 protected:
  void SetUp() override {
    UpstreamTest::SetUp();
    ollama_ = Make(absl::StrCat("name: 'ollama' ollama { base_url: 'http://",
                                upstream_->address(), "' }"));
  }

  ProviderCall Call() {
    ProviderCall call;
    call.loop = &client_.loop();
    call.http = &client_.http();
    call.cancel = &cancel_;
    call.request_id = "req-1";
    call.model = "m";
    call.progress = &progress_;
    call.warnings = &warnings_;
    return call;
  }

  std::unique_ptr<Provider> ollama_;
  CancelSignal cancel_;
  AttemptProgress progress_;
  std::vector<v1::Warning> warnings_;
};

TEST_F(OllamaUpstreamTest, WholeAndStreamedAnswersSayTheSame) {
  Script("m", R"({"text": "caf\u00e9 \ud83d\ude00", "chunk_bytes": 3,
                  "reasoning": {"text": "Hm."}, "usage": {"prompt_tokens": 9,
                  "completion_tokens": 4}, "tool_calls":
                  [{"name": "f", "id": "call_1",
                    "arguments": "{\"a\": 1}"}]})");
  const ProviderOutcome whole = calls_.Generate(*ollama_, Parsed("m"));
  ASSERT_EQ(Reason(whole.status), "OK") << whole.status;
  const v1::Message& message = whole.response.choices(0).message();
  ASSERT_EQ(message.parts_size(), 3);
  EXPECT_EQ(message.parts(0).reasoning().text(), "Hm.");
  EXPECT_EQ(message.parts(1).text(), "caf\u00e9 \U0001F600");
  EXPECT_EQ(message.parts(2).tool_call().id(), "call_1");
  EXPECT_EQ(message.parts(2).tool_call().arguments(), R"({"a":1})");

  const ProviderOutcome stream = calls_.Stream(*ollama_, Parsed("m"));
  ASSERT_EQ(Reason(stream.status), "OK") << stream.status;
  EXPECT_EQ(TextOf(stream.events), "caf\u00e9 \U0001F600");
  std::string reasoning;
  std::string calls;
  for (const v1::GenerateEvent& event : stream.events) {
    reasoning += event.delta().reasoning();
    calls += event.delta().tool_call().arguments();
  }
  EXPECT_EQ(reasoning, "Hm.");
  EXPECT_EQ(calls, R"({"a":1})");
  for (const ProviderOutcome* outcome : {&whole, &stream}) {
    EXPECT_EQ(outcome->facts.usage.input_tokens(), 9);
    EXPECT_EQ(outcome->facts.usage.output_tokens(), 4);
  }
  EXPECT_EQ(stream.facts.finish_reason, v1::FINISH_REASON_TOOL_CALLS);
}

// What the server would refuse, it refuses: it decodes as Ollama does.
TEST_F(OllamaUpstreamTest, RequestsAreWhatTheServerTakes) {
  ProviderQuestion question = Parsed("m");
  ASSERT_TRUE(google::protobuf::TextFormat::MergeFromString(
      R"(messages { role: ROLE_DEVELOPER parts { text: "x" } }
         messages { role: ROLE_USER parts { image { data: "\001\002"
                                            media_type: "image/png" } } }
         messages { role: ROLE_ASSISTANT
                    parts { reasoning { text: "t" } }
                    parts { tool_call { id: "1" name: "f" arguments: "[" } } }
         messages { role: ROLE_TOOL
                    parts { tool_result { tool_call_id: "1" } } }
         tools { function { name: "f" } } tools { custom { name: "g" } }
         sampling { temperature: 0.5 seed: 3 stop: "x" logprobs: true
                    top_logprobs: 20 }
         max_output_tokens: 5
         reasoning { effort: EFFORT_XHIGH }
         response_format { kind: KIND_JSON_SCHEMA schema: "{}" }
         extensions { dialect: "ollama" name: "options.num_ctx" json: "99" })",
      &question.request));
  EXPECT_EQ(Reason(calls_.Generate(*ollama_, question).status), "OK");
  EXPECT_EQ(Reason(calls_.Stream(*ollama_, question).status), "OK");
  EXPECT_THAT(*upstream_->LastBody("m"), HasSubstr(R"("num_ctx":99)"));
}

TEST_F(OllamaUpstreamTest, StreamsSurviveEveryCut) {
  Script("m", R"({"text": "one two three", "wire_split_bytes": 1})");
  const ProviderOutcome outcome = calls_.Stream(*ollama_, Parsed("m"));
  ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
  EXPECT_EQ(TextOf(outcome.events), "one two three");
}

TEST_F(OllamaUpstreamTest, NoBrokenStreamIsTakenForAnEnd) {
  for (const char* fault :
       {R"("error_after_chunks": 2)", R"("reset_after_chunks": 2)",
        R"("close_after_chunks": 2)", R"("end_after_chunks": 2)"}) {
    SCOPED_TRACE(fault);
    Script("m", absl::StrCat(R"({"text": "one two three four", )", fault, "}"));
    const ProviderOutcome outcome = calls_.Stream(*ollama_, Parsed("m"));
    EXPECT_THAT(Reason(outcome.status),
                AnyOf("PROVIDER_UNAVAILABLE", "PROVIDER_BAD_RESPONSE"));
    EXPECT_TRUE(outcome.content);
  }
  Script("m", R"({"text": "one two", "omit_terminator": true})");
  EXPECT_EQ(Reason(calls_.Stream(*ollama_, Parsed("m")).status),
            "PROVIDER_UNAVAILABLE");
}

TEST_F(OllamaUpstreamTest, GarbageIsABadResponse) {
  for (const char* garbage : {"huge_line", "invalid_json", "html",
                              "wrong_content_type", "negative_usage"}) {
    SCOPED_TRACE(garbage);
    Script("m", absl::StrCat(R"({"text": "one two three", "garbage": ")",
                             garbage, "\"}"));
    EXPECT_EQ(Reason(calls_.Stream(*ollama_, Parsed("m")).status),
              "PROVIDER_BAD_RESPONSE");
  }
  for (const char* garbage : {"invalid_json", "html", "wrong_content_type"}) {
    SCOPED_TRACE(garbage);
    Script("m", absl::StrCat(R"({"text": "one two three", "garbage": ")",
                             garbage, "\"}"));
    EXPECT_EQ(Reason(calls_.Generate(*ollama_, Parsed("m")).status),
              "PROVIDER_BAD_RESPONSE");
  }
}

TEST_F(OllamaUpstreamTest, EachStatusHasItsReason) {
  struct Case {
    const char* script;
    const char* reason;
  };
  for (const Case& each :
       {Case{R"({"status": 400})", "INVALID_REQUEST"},
        Case{R"({"status": 400, "error":
                 {"message": "\"m\" does not support tools"}})",
             "CAPABILITY_UNSUPPORTED"},
        Case{R"({"require_key": "another"})", "PROVIDER_AUTH_FAILED"},
        Case{R"({"status": 404})", "MODEL_NOT_FOUND"},
        Case{R"({"status": 429})", "PROVIDER_RATE_LIMITED"},
        Case{R"({"status": 500})", "PROVIDER_UNAVAILABLE"},
        Case{R"({"status": 503})", "PROVIDER_UNAVAILABLE"}}) {
    SCOPED_TRACE(each.script);
    Script("m", each.script);
    EXPECT_EQ(Reason(calls_.Generate(*ollama_, Parsed("m")).status),
              each.reason);
    EXPECT_EQ(Reason(calls_.Stream(*ollama_, Parsed("m")).status), each.reason);
  }
  Script("m", R"({"status": 429, "retry_after": "7"})");
  EXPECT_EQ(RetryDelay(calls_.Generate(*ollama_, Parsed("m")).status),
            absl::Seconds(7));
}

TEST_F(OllamaUpstreamTest, EmbedsTextsAndListsModels) {
  Script("m", R"({"dimensions": 3})");
  v1::EmbedRequest embed;
  embed.add_inputs()->set_text("a");
  embed.add_inputs()->set_text("b");
  v1::EmbedResponse response;
  const auto models =
      client_.Run([&]() -> Task<absl::StatusOr<std::vector<v1::Model>>> {
        ProviderCall call = Call();
        call.embed = &embed;
        const absl::Status status = co_await ollama_->Embed(call, &response);
        EXPECT_TRUE(status.ok()) << status;
        ProviderCall list = Call();
        co_return co_await ollama_->ListModels(list);
      });
  ASSERT_EQ(response.embeddings_size(), 2);
  EXPECT_EQ(response.embeddings(1).values_size(), 3);
  ASSERT_TRUE(models.ok()) << models.status();
  bool found = false;
  for (const v1::Model& model : *models) found |= model.name() == "m";
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace gateway
