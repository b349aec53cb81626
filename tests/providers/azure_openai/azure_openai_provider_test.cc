#include "providers/azure_openai/azure_openai_provider.h"

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "providers/provider_setup.h"
#include "tests/providers/upstream_test.h"
#include "tests/testing/provider_calls.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/scripted_server.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Answers one request with these bytes and keeps what it was asked.
class Resource {
 public:
  Resource(std::string_view body, std::string_view content_type,
           std::string_view status = "200 OK")
      : answer_(absl::StrCat("HTTP/1.1 ", std::string(status),
                             "\r\ncontent-type: ", std::string(content_type),
                             "\r\ncontent-length: ", body.size(), "\r\n\r\n",
                             std::string(body))),
        server_(std::make_unique<ScriptedServer>([this](RawListener& listener) {
          RawClient client = listener.Accept();
          head_ = client.ReceiveUntil("\r\n\r\n");
          constexpr std::string_view kLength = "content-length: ";
          const size_t at = head_.find(kLength);
          if (at != std::string::npos) {
            body_ = client.ReceiveExactly(
                std::atoi(head_.c_str() + at + kLength.size()));
          }
          client.Send(answer_);
        })) {}

  std::string root() const {
    return absl::StrCat("http://127.0.0.1:", server_->port());
  }
  // Wait for the end of the exchange.
  const std::string& head() {
    server_.reset();
    return head_;
  }
  const std::string& body() {
    server_.reset();
    return body_;
  }

 private:
  const std::string answer_;
  std::string head_;
  std::string body_;
  std::unique_ptr<ScriptedServer> server_;
};

class AzureOpenAiProviderTest : public UpstreamTest {
 protected:
  std::unique_ptr<Provider> MakeAzure(const Resource& resource,
                                      const std::string& more = "") {
    return Make(absl::StrCat(
        "name: 'azure' azure_openai { base_url: '", resource.root(), "' ", more,
        " deployments { key: 'gpt-x' value: 'prod gpt' }", "}"));
  }

  // The reason of a call that fails so.
  std::string ReasonOf(std::string_view status, std::string_view body) {
    Resource resource(body, "application/json", status);
    return Reason(calls_.Generate(*MakeAzure(resource), Raw("gpt-x")).status);
  }
};

constexpr std::string_view kAzureAnswer =
    R"({"id":"c","object":"chat.completion","created":1767225600,)"
    R"("model":"gpt-4o","prompt_filter_results":[{"prompt_index":0,)"
    R"("content_filter_results":{"hate":{"filtered":false}}}],"choices":[)"
    R"({"index":0,"finish_reason":"stop","logprobs":null,"message":)"
    R"({"role":"assistant","content":"Hello.","refusal":null},)"
    R"("content_filter_results":{"hate":{"filtered":false}}}],"usage":)"
    R"({"prompt_tokens":10,"completion_tokens":3,"total_tokens":13}})";

TEST_F(AzureOpenAiProviderTest, ADatedVersionNamesTheDeploymentInThePath) {
  Resource resource(kAzureAnswer, "application/json");
  const ProviderOutcome outcome =
      calls_.Generate(*MakeAzure(resource), Parsed("gpt-x"));
  ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
  EXPECT_EQ(outcome.bytes, "Hello.");
  EXPECT_EQ(outcome.response.extensions(0).name(), "prompt_filter_results");
  EXPECT_EQ(outcome.response.choices(0).extensions(0).name(),
            "content_filter_results");
  EXPECT_THAT(resource.head(),
              AllOf(StartsWith("POST /openai/deployments/prod%20gpt/chat/"
                               "completions?api-version=2024-10-21 HTTP/1.1"),
                    HasSubstr(absl::StrCat("api-key: ", std::string(kTestKey))),
                    Not(HasSubstr("authorization"))));
}

TEST_F(AzureOpenAiProviderTest, VersionOneNamesTheDeploymentInTheBody) {
  Resource resource(kAzureAnswer, "application/json");
  const ProviderOutcome outcome =
      calls_.Generate(*MakeAzure(resource, "api_version: 'v1'"), Raw("gpt-x"));
  ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
  EXPECT_EQ(outcome.bytes, kAzureAnswer);
  EXPECT_THAT(resource.head(),
              StartsWith("POST /openai/v1/chat/completions HTTP/1.1"));
  EXPECT_THAT(resource.body(), HasSubstr(R"("model" : "prod gpt")"));
}

TEST_F(AzureOpenAiProviderTest, ThePreviewOfVersionOneIsNamedInTheQuery) {
  Resource resource(kAzureAnswer, "application/json");
  const auto provider = MakeAzure(resource, "api_version: 'preview'");
  ASSERT_EQ(Reason(calls_.Generate(*provider, Parsed("other")).status), "OK");
  EXPECT_THAT(resource.head(), StartsWith("POST /openai/v1/chat/completions"
                                          "?api-version=preview HTTP/1.1"));
  EXPECT_THAT(resource.body(), HasSubstr(R"("model":"other")"));
}

TEST_F(AzureOpenAiProviderTest, OldVersionsAreNotToldWhatTheyWouldRefuse) {
  for (const bool old : {true, false}) {
    Resource resource(kAzureAnswer, "application/json");
    ProviderQuestion question = Parsed("gpt-x");
    question.request.mutable_messages(0)->set_role(v1::ROLE_DEVELOPER);
    question.request.set_verbosity("low");
    const ProviderOutcome outcome = calls_.Generate(
        *MakeAzure(resource, old ? "" : "api_version: '2025-04-01-preview'"),
        question);
    ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
    EXPECT_EQ(outcome.warnings.empty(), !old);
    EXPECT_THAT(resource.body(), HasSubstr(old ? R"("role":"system")"
                                               : R"("role":"developer")"));
  }
}

constexpr std::string_view kAzureStream =
    R"(data: {"choices":[],"created":0,"id":"","model":"","object":"",)"
    R"("prompt_filter_results":[{"prompt_index":0}]})"
    "\n\n"
    R"(data: {"choices":[{"content_filter_results":{},"delta":{"content":)"
    R"("","refusal":null,"role":"assistant"},"finish_reason":null,)"
    R"("index":0}],"created":1767225600,"id":"c","model":"gpt-4o"})"
    "\n\n"
    R"(data: {"choices":[{"delta":{"content":"Hello."},"finish_reason":null,)"
    R"("index":0}],"created":1767225600,"id":"c","model":"gpt-4o"})"
    "\n\n"
    R"(data: {"choices":[{"content_filter_offsets":{"check_offset":1},)"
    R"("content_filter_results":{},"finish_reason":null,"index":0}],)"
    R"("created":0,"id":"","model":"","object":""})"
    "\n\n"
    R"(data: {"choices":[{"delta":{},"finish_reason":"content_filter",)"
    R"("index":0}],"created":1767225600,"id":"c","model":"gpt-4o"})"
    "\n\ndata: [DONE]\n\n";

TEST_F(AzureOpenAiProviderTest, StreamsWithItsFiltersWords) {
  Resource for_parsed(kAzureStream, "text/event-stream");
  const ProviderOutcome parsed =
      calls_.Stream(*MakeAzure(for_parsed), Parsed("gpt-x"));
  ASSERT_EQ(Reason(parsed.status), "OK") << parsed.status;
  EXPECT_EQ(parsed.bytes, "Hello.");
  ASSERT_FALSE(parsed.events.empty());
  EXPECT_EQ(parsed.events[0].started().id(), "c");
  EXPECT_EQ(parsed.events[0].started().model(), "gpt-4o");
  EXPECT_EQ(parsed.facts.finish_reason, v1::FINISH_REASON_CONTENT_FILTER);

  Resource for_raw(kAzureStream, "text/event-stream");
  const ProviderOutcome raw =
      calls_.Stream(*MakeAzure(for_raw), Raw("gpt-x", R"(,"stream":true)"));
  ASSERT_EQ(Reason(raw.status), "OK") << raw.status;
  EXPECT_EQ(raw.bytes, kAzureStream);
  EXPECT_EQ(raw.facts.finish_reason, v1::FINISH_REASON_CONTENT_FILTER);
}

TEST_F(AzureOpenAiProviderTest, UnderstandsItsErrors) {
  EXPECT_EQ(
      ReasonOf("400 Bad Request",
               R"({"error":{"message":"The response was filtered","type":null,)"
               R"("param":"prompt","code":"content_filter","status":400,)"
               R"("innererror":{"code":"ResponsibleAIPolicyViolation"}}})"),
      "CONTENT_POLICY");
  EXPECT_EQ(ReasonOf("404 Not Found",
                     R"({"error":{"code":"DeploymentNotFound","message":)"
                     R"("The API deployment does not exist."}})"),
            "MODEL_NOT_FOUND");
  EXPECT_EQ(ReasonOf("401 Unauthorized",
                     R"({"statusCode":401,"message":"Access denied"})"),
            "PROVIDER_AUTH_FAILED");
  EXPECT_EQ(ReasonOf("429 Too Many Requests",
                     R"({"error":{"code":"429","message":"Slow down"}})"),
            "PROVIDER_RATE_LIMITED");
}

TEST_F(AzureOpenAiProviderTest, RefusesAUrlThatIsNone) {
  llmgateway::config::v1::AzureOpenAiProvider config;
  config.set_base_url("example.openai.azure.com");
  EXPECT_TRUE(absl::IsInvalidArgument(
      MakeAzureOpenAiProvider(ProviderSetup(), config).status()));
}

TEST_F(AzureOpenAiProviderTest, EmbedsByADeployment) {
  Resource resource(R"({"object":"list","model":"e","data":[{"object":)"
                    R"("embedding","index":0,"embedding":[0.5,-1]}],)"
                    R"("usage":{"prompt_tokens":1,"total_tokens":1}})",
                    "application/json");
  const auto embedded = calls_.Embed(*MakeAzure(resource), "gpt-x", "hi");
  ASSERT_TRUE(embedded.ok()) << embedded.status();
  EXPECT_EQ(embedded->embeddings_size(), 1);
  EXPECT_THAT(resource.head(),
              StartsWith("POST /openai/deployments/prod%20gpt/embeddings"
                         "?api-version=2024-10-21 HTTP/1.1"));
}

TEST_F(AzureOpenAiProviderTest, VersionOneTakesResponsesAsTheyAre) {
  Resource resource(kAzureAnswer, "application/json");
  EXPECT_EQ(MakeAzure(resource)->FindDialect("openai_responses"), nullptr);
  ProviderQuestion question;
  question.dialect = "openai_responses";
  question.body = R"({"model":"gpt-x","input":"hi"})";
  // What comes back is no such answer, which is not the question here.
  calls_.Generate(*MakeAzure(resource, "api_version: 'v1'"), question);
  EXPECT_THAT(resource.head(), StartsWith("POST /openai/v1/responses HTTP"));
  EXPECT_EQ(resource.body(), R"({"model":"prod gpt","input":"hi"})");
}

}  // namespace
}  // namespace gateway
