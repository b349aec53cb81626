#include "providers/dialects/gemini/gemini_embeddings.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "errors/fault.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway {
namespace {

absl::StatusOr<v1::EmbedRequest> Read(std::string_view body) {
  v1::EmbedRequest request;
  EmbeddingEncoding encoding = EmbeddingEncoding::kBase64;
  const absl::Status status =
      GeminiEmbeddings().ReadRequest(body, &request, &encoding);
  if (!status.ok()) return status;
  EXPECT_EQ(encoding, EmbeddingEncoding::kFloat);
  return request;
}

TEST(GeminiEmbeddingsTest, ABatchIsWrittenAsItWasRead) {
  const std::string_view body = R"({"requests":[
      {"model":"models/m","content":{"parts":[{"text":"a"}]},
       "taskType":"RETRIEVAL_QUERY","outputDimensionality":3},
      {"model":"models/m","content":{"parts":[{"text":"b"}]},
       "taskType":"RETRIEVAL_QUERY","outputDimensionality":3}]})";
  const auto request = Read(body);
  ASSERT_TRUE(request.ok()) << request.status();
  ASSERT_EQ(request->inputs_size(), 2);
  EXPECT_EQ(request->inputs(1).text(), "b");
  EXPECT_EQ(request->dimensions(), 3);
  std::string written;
  std::vector<v1::Warning> warnings;
  ASSERT_TRUE(
      GeminiEmbeddings().WriteRequest(*request, "m", &written, &warnings).ok());
  EXPECT_TRUE(SameJson(written, body));
  EXPECT_TRUE(warnings.empty());
}

TEST(GeminiEmbeddingsTest, OneTextIsABatchOfOne) {
  const auto request = Read(R"({"content":{"parts":[{"text":"a"},{"text":"b"}]},
               "task_type":"X"})");
  ASSERT_TRUE(request.ok()) << request.status();
  ASSERT_EQ(request->inputs_size(), 1);
  EXPECT_EQ(request->inputs(0).text(), "ab");
  EXPECT_EQ(request->extensions(0).name(), "taskType");
}

TEST(GeminiEmbeddingsTest, AMixedBatchIsRefused) {
  const auto request = Read(R"({"requests":[
      {"content":{"parts":[{"text":"a"}]},"taskType":"X"},
      {"content":{"parts":[{"text":"b"}]},"taskType":"Y"}]})");
  ASSERT_FALSE(request.ok());
  EXPECT_EQ(FieldViolations(request.status()).front().first, "requests[1]");
}

TEST(GeminiEmbeddingsTest, OnlyTextsHaveVectors) {
  EXPECT_FALSE(Read(R"({"content":{"parts":[{"inlineData":
      {"mimeType":"image/png","data":""}}]}})")
                   .ok());
  v1::EmbedRequest request;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "inputs { tokens { ids: 1 } }", &request));
  std::string body;
  const absl::Status status =
      GeminiEmbeddings().WriteRequest(request, "m", &body, nullptr);
  EXPECT_EQ(FieldViolations(status).front().first, "inputs[0].tokens");
}

TEST(GeminiEmbeddingsTest, VectorsGoThereAndBack) {
  for (const std::string_view body : {R"({"embeddings":[{"values":[0.5,-1]}]})",
                                      R"({"embedding":{"values":[0.5,-1]}})"}) {
    v1::EmbedResponse response;
    ASSERT_TRUE(GeminiEmbeddings().ReadResponse(body, &response).ok());
    ASSERT_EQ(response.embeddings_size(), 1);
    EXPECT_EQ(response.embeddings(0).values(1), -1.0f);
    std::string written;
    ASSERT_TRUE(
        GeminiEmbeddings()
            .WriteResponse(response, EmbeddingEncoding::kFloat, &written)
            .ok());
    EXPECT_TRUE(SameJson(written, R"({"embeddings":[{"values":[0.5,-1]}]})"));
  }
}

TEST(GeminiEmbeddingsTest, WhatIsNoAnswerIsTheProvidersFault) {
  for (const std::string_view text : {"", "{}", R"({"embeddings":[]})",
                                      R"({"embeddings":[{"values":["x"]}]})"}) {
    v1::EmbedResponse response;
    EXPECT_EQ(FaultReason(GeminiEmbeddings().ReadResponse(text, &response)),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << text;
  }
  v1::EmbedResponse response;
  EXPECT_EQ(FaultReason(GeminiEmbeddings().ReadResponse(
                R"({"error":{"code":429}})", &response)),
            v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
}

}  // namespace
}  // namespace gateway
