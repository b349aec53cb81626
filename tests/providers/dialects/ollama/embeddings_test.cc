#include "providers/dialects/ollama/embeddings.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/json_equality.h"
#include "tests/providers/dialects/ollama/neutral_text.h"

namespace gateway {
namespace {

using ::gateway::ollama::Parse;
using ::testing::ElementsAre;

TEST(OllamaEmbeddingsTest, WritesTextsAndWhatElseWasAsked) {
  const OllamaEmbeddings dialect("5m");
  std::string body;
  std::vector<v1::Warning> warnings;
  const absl::Status status = dialect.WriteRequest(
      Parse<v1::EmbedRequest>(
          R"(inputs { text: "a" } inputs { text: "" } dimensions: 64
             extensions { dialect: "ollama" name: "truncate" json: "false" }
             extensions { dialect: "ollama" name: "options.num_ctx" json: "9" }
             extensions { dialect: "openai" name: "user" json: "1" })"),
      "m", &body, &warnings);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_TRUE(SameJson(body, R"({"model":"m","input":["a",""],"dimensions":64,
                "options":{"num_ctx":9},"truncate":false,"keep_alive":"5m"})"));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].field(), "user");
}

TEST(OllamaEmbeddingsTest, TokensAreRefused) {
  const OllamaEmbeddings dialect("");
  std::string body;
  const absl::Status status = dialect.WriteRequest(
      Parse<v1::EmbedRequest>(
          R"(inputs { text: "a" } inputs { tokens { ids: 1 } })"),
      "m", &body, nullptr);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_CAPABILITY_UNSUPPORTED);
  ASSERT_EQ(FieldViolations(status).size(), 1u);
  EXPECT_EQ(FieldViolations(status)[0].first, "inputs[1].tokens");
  EXPECT_EQ(FaultReason(dialect.WriteRequest(
                Parse<v1::EmbedRequest>("inputs {}"), "m", &body, nullptr)),
            v1::ERROR_REASON_INVALID_REQUEST);
}

TEST(OllamaEmbeddingsTest, ReadsVectorsInTheirOrder) {
  const OllamaEmbeddings dialect("");
  v1::EmbedResponse response;
  response.add_embeddings();
  const absl::Status status = dialect.ReadResponse(
      R"({"model":"m","embeddings":[[0.5,-2],[1e0,0]],"total_duration":1,
          "prompt_eval_count":5})",
      &response);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(response.model(), "m");
  ASSERT_EQ(response.embeddings_size(), 2);
  EXPECT_THAT(response.embeddings(0).values(), ElementsAre(0.5f, -2.0f));
  EXPECT_THAT(response.embeddings(1).values(), ElementsAre(1.0f, 0.0f));
  EXPECT_EQ(response.usage().input_tokens(), 5);
}

TEST(OllamaEmbeddingsTest, CountsThatAreLeftOutAreZero) {
  v1::EmbedResponse response;
  ASSERT_TRUE(OllamaEmbeddings("")
                  .ReadResponse(R"({"embeddings":[]})", &response)
                  .ok());
  EXPECT_TRUE(response.has_usage());
}

TEST(OllamaEmbeddingsTest, AnAnswerHasVectors) {
  for (const char* body :
       {"{}", "no JSON", R"({"embeddings":[["a"]]})", R"({"embeddings":7})",
        R"({"embeddings":[],"prompt_eval_count":-1})",
        R"({"embeddings":null})"}) {
    v1::EmbedResponse response;
    EXPECT_EQ(FaultReason(OllamaEmbeddings("").ReadResponse(body, &response)),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << body;
  }
  v1::EmbedResponse response;
  EXPECT_EQ(
      FaultReason(OllamaEmbeddings("").ReadResponse(
          R"({"error":"this model does not support embeddings"})", &response)),
      v1::ERROR_REASON_CAPABILITY_UNSUPPORTED);
}

TEST(OllamaEmbeddingsTest, HasNoApi) {
  v1::EmbedRequest request;
  EmbeddingEncoding encoding;
  EXPECT_TRUE(absl::IsUnimplemented(
      OllamaEmbeddings("").ReadRequest("{}", &request, &encoding)));
}

}  // namespace
}  // namespace gateway
