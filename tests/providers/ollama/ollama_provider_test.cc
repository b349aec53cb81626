#include "providers/ollama/ollama_provider.h"

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/secret.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "providers/provider_setup.h"
#include "providers/registry/all_providers.h"
#include "service/config/defaults.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/provider_calls.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/scripted_server.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kEndLine[] =
    R"({"model":"m","created_at":"2026-01-01T00:00:00Z","message":)"
    R"({"role":"assistant","content":""},"done":true,"done_reason":"stop",)"
    R"("prompt_eval_count":9,"eval_count":4})"
    "\n";

std::string Line(const std::string& text) {
  return absl::StrCat(
      R"({"model":"m","created_at":"2026-01-01T00:00:00Z","message":)",
      R"({"role":"assistant","content":")", text, R"("},"done":false})", "\n");
}

// An Ollama that answers one request with what it is told to, in the given
// pieces, and keeps the request.
class OneAnswer {
 public:
  OneAnswer(const std::string& status, const std::string& content_type,
            const std::vector<std::string>& pieces, std::string* request)
      : server_([=](RawListener& listener) {
          RawClient client = listener.Accept();
          const std::string head = client.ReceiveUntil("\r\n\r\n");
          constexpr char kLength[] = "content-length: ";
          const size_t at = head.find(kLength);
          const size_t length =
              at == std::string::npos
                  ? 0
                  : std::strtoul(&head[at + sizeof(kLength) - 1], nullptr, 10);
          *request = head + client.ReceiveExactly(length);
          client.Send(absl::StrCat("HTTP/1.1 ", status,
                                   "\r\ncontent-type: ", content_type,
                                   "\r\nconnection: close\r\n\r\n"));
          for (const std::string& piece : pieces) client.Send(piece);
        }) {}

  std::string base_url() const {
    return absl::StrCat("http://127.0.0.1:", server_.port());
  }

 private:
  ScriptedServer server_;
};

class OllamaProviderTest : public testing::Test {
 protected:
  std::unique_ptr<Provider> Make(const std::string& base_url,
                                 const std::string& keep_alive = "",
                                 const std::string& key = "") {
    llmgateway::config::v1::GatewayConfig config;
    auto* provider = config.add_providers();
    provider->set_name("local");
    provider->mutable_ollama()->set_base_url(base_url);
    provider->mutable_ollama()->set_keep_alive(keep_alive);
    ApplyDefaults(AllProviderKinds(), &config);
    ProviderSetup setup;
    setup.name = "local";
    setup.event_bytes_limit = 1024;
    if (!key.empty()) setup.credentials.push_back({"default", Secret(key)});
    auto made = MakeOllamaProvider(setup, config.providers(0).ollama());
    EXPECT_TRUE(made.ok()) << made.status();
    return *std::move(made);
  }

  static ProviderQuestion Question() {
    ProviderQuestion question;
    question.request.set_model("m");
    v1::Message* const message = question.request.add_messages();
    message->set_role(v1::ROLE_USER);
    message->add_parts()->set_text("hi");
    return question;
  }

  ProviderOutcome Stream(const std::vector<std::string>& pieces,
                         const std::string& type = "application/x-ndjson") {
    const OneAnswer server("200 OK", type, pieces, &request_);
    const auto provider = Make(server.base_url());
    return calls_.Stream(*provider, Question());
  }

  // What a call needs besides what it asks.
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

  LoopClient client_;
  ProviderCalls calls_{client_};
  CancelSignal cancel_;
  AttemptProgress progress_;
  std::vector<v1::Warning> warnings_;
  std::string request_;  // What the server got; read when that is gone.
};

TEST_F(OllamaProviderTest, AsksForOneAnswerAndReadsIt) {
  ProviderOutcome outcome;
  {
    const OneAnswer server("200 OK", "application/json; charset=utf-8",
                           {R"({"model":"m","message":{"content":"hello"},)",
                            R"("done":true,"prompt_eval_count":9})"},
                           &request_);
    const auto provider = Make(server.base_url(), "10m");
    outcome = calls_.Generate(*provider, Question());
  }
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(TextOf(outcome.response), "hello");
  EXPECT_EQ(outcome.facts.usage.input_tokens(), 9);
  EXPECT_THAT(request_, AllOf(StartsWith("POST /api/chat "),
                              HasSubstr(R"("stream":false)"),
                              HasSubstr(R"("keep_alive":"10m")"),
                              Not(HasSubstr("authorization"))));
}

TEST_F(OllamaProviderTest, ReadsAStreamLineByLineHoweverItIsCut) {
  const std::string stream = Line("Hel") + "\n" + Line("lo") + kEndLine;
  std::vector<std::string> bytes;
  for (const char c : stream) bytes.emplace_back(1, c);
  for (const std::vector<std::string>& pieces :
       {std::vector<std::string>{stream}, bytes}) {
    const ProviderOutcome outcome = Stream(pieces);
    ASSERT_TRUE(outcome.status.ok()) << outcome.status;
    EXPECT_EQ(TextOf(outcome.events), "Hello");
    EXPECT_TRUE(outcome.content);
    EXPECT_EQ(outcome.facts.usage.output_tokens(), 4);
    EXPECT_EQ(outcome.facts.finish_reason, v1::FINISH_REASON_STOP);
    ASSERT_EQ(outcome.events.size(), 5u);
    EXPECT_EQ(outcome.events[0].started().model(), "m");
    EXPECT_TRUE(outcome.events[4].has_choice_end());
    EXPECT_THAT(request_, HasSubstr(R"("stream":true)"));
  }
}

TEST_F(OllamaProviderTest, AnErrorInTheMiddleIsTold) {
  const ProviderOutcome outcome =
      Stream({Line("Hel"), "{\"error\":\"CUDA error\"}\n"});
  EXPECT_EQ(FaultReason(outcome.status), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(outcome.status.message(), "local: CUDA error");
  EXPECT_EQ(FaultMetadata(outcome.status, "provider"), "local");
}

TEST_F(OllamaProviderTest, AStreamThatBreaksOffIsNotAnEnd) {
  for (const std::string& last : {std::string(), std::string("{\"model")}) {
    const ProviderOutcome outcome = Stream({Line("Hel"), last});
    EXPECT_EQ(FaultReason(outcome.status),
              v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
    EXPECT_EQ(TextOf(outcome.events), "Hel");
  }
}

TEST_F(OllamaProviderTest, AStreamOfAnythingElseIsABadResponse) {
  EXPECT_EQ(FaultReason(Stream({"data: {}\n\n"}, "text/event-stream").status),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
  EXPECT_EQ(FaultReason(Stream({"<html>\n"}).status),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
  const std::string too_long(2000, 'x');
  EXPECT_EQ(FaultReason(Stream({Line(too_long)}).status),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
}

TEST_F(OllamaProviderTest, AMissingModelIsToldBeforeAnythingElse) {
  const OneAnswer server("404 Not Found", "application/json",
                         {R"({"error":"model 'm' not found"})"}, &request_);
  const auto provider = Make(server.base_url());
  const ProviderOutcome outcome = calls_.Stream(*provider, Question());
  EXPECT_EQ(FaultReason(outcome.status), v1::ERROR_REASON_MODEL_NOT_FOUND);
  EXPECT_EQ(outcome.progress.http_status, 404);
}

TEST_F(OllamaProviderTest, TheOneInTheCloudGetsItsKey) {
  {
    const OneAnswer server("200 OK", "application/x-ndjson", {kEndLine},
                           &request_);
    const auto provider = Make(server.base_url(), "", "the-key");
    EXPECT_TRUE(calls_.Stream(*provider, Question()).status.ok());
  }
  EXPECT_THAT(request_, HasSubstr("Bearer the-key"));
}

TEST_F(OllamaProviderTest, MakesEmbeddings) {
  v1::EmbedRequest embed;
  embed.add_inputs()->set_text("a");
  v1::EmbedResponse response;
  {
    const OneAnswer server("200 OK", "application/json",
                           {R"({"model":"m","embeddings":[[1,2]]})"},
                           &request_);
    const auto provider = Make(server.base_url());
    const absl::Status status = client_.Run([&]() -> Task<absl::Status> {
      ProviderCall call = Call();
      call.embed = &embed;
      co_return co_await provider->Embed(call, &response);
    });
    EXPECT_TRUE(status.ok()) << status;
  }
  ASSERT_EQ(response.embeddings_size(), 1);
  EXPECT_THAT(response.embeddings(0).values(), ElementsAre(1.0f, 2.0f));
  EXPECT_THAT(request_, AllOf(StartsWith("POST /api/embed "),
                              HasSubstr(R"({"model":"m","input":["a"]})")));
}

TEST_F(OllamaProviderTest, ListsItsModels) {
  {
    const OneAnswer server("200 OK", "application/json",
                           {R"({"models":[{"name":"a"},{"name":"b"}]})"},
                           &request_);
    const auto provider = Make(server.base_url());
    const auto models =
        client_.Run([&]() -> Task<absl::StatusOr<std::vector<v1::Model>>> {
          ProviderCall call = Call();
          co_return co_await provider->ListModels(call);
        });
    ASSERT_TRUE(models.ok()) << models.status();
    ASSERT_EQ(models->size(), 2u);
    EXPECT_EQ((*models)[1].name(), "b");
  }
  EXPECT_THAT(request_, StartsWith("GET /api/tags "));
}

TEST_F(OllamaProviderTest, CountsNothing) {
  const auto provider = Make("http://127.0.0.1:1");
  EXPECT_TRUE(absl::IsUnimplemented(
      calls_.CountTokens(*provider, Question()).status()));
}

TEST_F(OllamaProviderTest, RefusesAUrlThatIsNone) {
  llmgateway::config::v1::OllamaProvider config;
  config.set_base_url("localhost:11434");
  EXPECT_TRUE(absl::IsInvalidArgument(MakeOllamaProvider({}, config).status()));
}

}  // namespace
}  // namespace gateway
