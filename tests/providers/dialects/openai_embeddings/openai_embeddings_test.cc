#include "providers/dialects/openai_embeddings/openai_embeddings.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const OpenAiEmbeddings& Dialect() {
  static const OpenAiEmbeddings dialect(/*ask_base64=*/true);
  return dialect;
}

v1::EmbedRequest Read(const std::string& body, EmbeddingEncoding* encoding) {
  v1::EmbedRequest request;
  const absl::Status read = Dialect().ReadRequest(body, &request, encoding);
  EXPECT_TRUE(read.ok()) << read;
  return request;
}

std::string Refusal(const std::string& body) {
  v1::EmbedRequest request;
  EmbeddingEncoding encoding;
  const absl::Status read = Dialect().ReadRequest(body, &request, &encoding);
  EXPECT_EQ(FaultReason(read), v1::ERROR_REASON_INVALID_REQUEST) << body;
  const auto violations = FieldViolations(read);
  return violations.empty() ? "" : violations[0].first;
}

v1::EmbedResponse ReadAnswer(std::string_view body) {
  v1::EmbedResponse response;
  const absl::Status read = Dialect().ReadResponse(body, &response);
  EXPECT_TRUE(read.ok()) << read;
  return response;
}

TEST(OpenAiEmbeddingsTest, ReadsEveryFormOfInput) {
  EmbeddingEncoding encoding;
  v1::EmbedRequest request = Read(
      R"({"model":"m","input":"hello","encoding_format":"float"})", &encoding);
  EXPECT_EQ(request.model(), "m");
  ASSERT_EQ(request.inputs_size(), 1);
  EXPECT_EQ(request.inputs(0).text(), "hello");
  EXPECT_EQ(encoding, EmbeddingEncoding::kFloat);

  request = Read(R"({"input":["a","b"],"model":"m","dimensions":256,
                     "encoding_format":"base64","user":"u"})",
                 &encoding);
  ASSERT_EQ(request.inputs_size(), 2);
  EXPECT_EQ(request.inputs(1).text(), "b");
  EXPECT_EQ(request.dimensions(), 256);
  EXPECT_EQ(request.scope().user_id(), "u");
  EXPECT_EQ(encoding, EmbeddingEncoding::kBase64);

  request = Read(R"({"model":"m","input":[1,2,3]})", &encoding);
  ASSERT_EQ(request.inputs_size(), 1);
  EXPECT_THAT(request.inputs(0).tokens().ids(), ElementsAre(1, 2, 3));

  request = Read(R"({"model":"m","input":[[1,2],[3]]})", &encoding);
  ASSERT_EQ(request.inputs_size(), 2);
  EXPECT_THAT(request.inputs(0).tokens().ids(), ElementsAre(1, 2));
  EXPECT_THAT(request.inputs(1).tokens().ids(), ElementsAre(3));
}

TEST(OpenAiEmbeddingsTest, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(Refusal(R"({"model":"m","input":{}})"), "input");
  EXPECT_EQ(Refusal(R"({"model":"m","input":["a",1]})"), "input[1]");
  EXPECT_EQ(Refusal(R"({"model":"m","input":[1.5]})"), "input[0]");
  EXPECT_EQ(Refusal(R"({"model":"m","input":"a","encoding_format":"hex"})"),
            "encoding_format");
  EXPECT_EQ(Refusal(R"({"model":"m","input":"a","dimensions":0})"),
            "dimensions");
}

TEST(OpenAiEmbeddingsTest, ARepeatedKeyIsRefused) {
  for (const char* key : {"model", "input", "dimensions", "user",
                          "encoding_format", "input_type"}) {
    // Null, as most may be.
    EXPECT_EQ(Refusal(absl::StrCat(R"({"model":"m","input":"a",")", key,
                                   R"(":null,")", key, R"(":null})")),
              key);
  }
  EXPECT_EQ(Refusal(R"({"model":"m","input":"a","mod\u0065l":"dear"})"),
            "model");
}

TEST(OpenAiEmbeddingsTest, SoIsAKeyThatDiffersInLetterCaseOnly) {
  for (const char* key : {"Model", "INPUT", "Dimensions", "U\u017fer",
                          "encoding_Format"}) {
    EXPECT_EQ(Refusal(absl::StrCat(R"({"model":"m","input":"a",")", key,
                                   R"(":1})")),
              key);
  }
}

TEST(OpenAiEmbeddingsTest, WritesWhatItRead) {
  EmbeddingEncoding encoding;
  const v1::EmbedRequest request =
      Read(R"({"model":"ours","input":["a",[1,2]],"dimensions":8,
               "input_type":"query"})",
           &encoding);
  std::string body;
  std::vector<v1::Warning> warnings;
  ASSERT_TRUE(Dialect().WriteRequest(request, "theirs", &body, &warnings).ok());
  EXPECT_EQ(body, R"({"model":"theirs","input":["a",[1,2]],)"
                  R"("encoding_format":"base64","dimensions":8,)"
                  R"("input_type":"query"})");
  EXPECT_THAT(warnings, IsEmpty());
  body.clear();
  ASSERT_TRUE(OpenAiEmbeddings(/*ask_base64=*/false)
                  .WriteRequest(request, "theirs", &body, &warnings)
                  .ok());
  EXPECT_EQ(body.find("encoding_format"), std::string::npos);
}

TEST(OpenAiEmbeddingsTest, ForeignFieldsAreToldOf) {
  v1::EmbedRequest request;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "inputs { text: 'a' } extensions { dialect: 'gemini' name: 'taskType' "
      "json: '1' }",
      &request));
  std::string body;
  std::vector<v1::Warning> warnings;
  ASSERT_TRUE(Dialect().WriteRequest(request, "m", &body, &warnings).ok());
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].field(), "taskType");
}

TEST(OpenAiEmbeddingsTest, ReadsVectorsInTheOrderOfTheirIndex) {
  const v1::EmbedResponse response = ReadAnswer(
      R"({"object":"list","data":[
          {"object":"embedding","index":1,"embedding":"AACAPw=="},
          {"object":"embedding","index":0,"embedding":[0.5,-1]}],
          "model":"m-1","usage":{"prompt_tokens":5,"total_tokens":5}})");
  ASSERT_EQ(response.embeddings_size(), 2);
  EXPECT_THAT(response.embeddings(0).values(), ElementsAre(0.5F, -1.0F));
  EXPECT_THAT(response.embeddings(1).values(), ElementsAre(1.0F));
  EXPECT_EQ(response.model(), "m-1");
  EXPECT_EQ(response.usage().input_tokens(), 5);
}

TEST(OpenAiEmbeddingsTest, AnAnswerWithoutItsVectorsIsTheProvidersFault) {
  for (const char* body : {R"({"data":[{"index":1,"embedding":[1]}]})",
                           R"({"data":[{"index":0,"embedding":"AACA"}]})",
                           R"({"data":[{"index":-1,"embedding":[1]}]})",
                           R"({"data":7})", "nonsense"}) {
    v1::EmbedResponse response;
    const absl::Status read = Dialect().ReadResponse(body, &response);
    EXPECT_EQ(FaultReason(read), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << body;
  }
}

TEST(OpenAiEmbeddingsTest, WritesVectorsAsTheyWereAskedFor) {
  v1::EmbedResponse response;
  response.set_model("m-1");
  response.add_embeddings()->add_values(1.0F);
  response.mutable_usage()->set_input_tokens(5);
  std::string body;
  ASSERT_TRUE(
      Dialect().WriteResponse(response, EmbeddingEncoding::kFloat, &body).ok());
  EXPECT_EQ(body, R"({"object":"list","data":[{"object":"embedding","index":0,)"
                  R"("embedding":[1]}],"model":"m-1",)"
                  R"("usage":{"prompt_tokens":5,"total_tokens":5}})");
  body.clear();
  ASSERT_TRUE(Dialect()
                  .WriteResponse(response, EmbeddingEncoding::kBase64, &body)
                  .ok());
  EXPECT_THAT(body, HasSubstr(R"("embedding":"AACAPw==")"));
}

TEST(OpenAiEmbeddingsTest, AnErrorInPlaceOfAnAnswerIsTheProviders) {
  constexpr std::string_view kBody =
      R"({"error":{"message":"slow down","type":"requests","param":null,)"
      R"("code":"rate_limit_exceeded"}})";
  v1::EmbedResponse response;
  const absl::Status read = Dialect().ReadResponse(kBody, &response);
  EXPECT_EQ(FaultReason(read), v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  EXPECT_THAT(std::string(read.message()), HasSubstr("slow down"));
}

}  // namespace
}  // namespace gateway
