#include "service/http/embeddings_routes.h"

#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/observability/call_record.h"
#include "tests/service/http/api_test_base.h"
#include "tests/testing/raw_client.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

class EmbeddingsRoutesTest : public ApiTest {
 protected:
  RawAnswer Post(std::string_view body, std::string_view fields = "") {
    return Ask("POST", "/v1/embeddings", body, fields);
  }
};

TEST_F(EmbeddingsRoutesTest, TextsBecomeVectorsOfNumbers) {
  const RawAnswer answer =
      Post(R"({"model":"mock-model","input":["one","two"],"dimensions":3})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body,
              AllOf(HasSubstr(R"("object":"list")"), HasSubstr(R"("index":1)"),
                    HasSubstr(R"("embedding":[)")));
  EXPECT_THAT(answer.Find("openai-processing-ms"), MatchesRegex("[0-9]+"));
  const auto kept = loop_->NextRecord();
  EXPECT_EQ(kept->record().operation, "POST /v1/embeddings");
  EXPECT_EQ(kept->record().http_status, 200);
  EXPECT_EQ(kept->record().provider, "mock");
  // The same again and again.
  EXPECT_EQ(
      Post(R"({"model":"mock-model","input":["one","two"],"dimensions":3})")
          .body,
      answer.body);
}

TEST_F(EmbeddingsRoutesTest, OrOfBase64ForThoseWhoAsk) {
  const RawAnswer answer =
      Post(R"({"model":"mock-model","input":"x","encoding_format":"base64"})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr(R"("embedding":")"));
}

TEST_F(EmbeddingsRoutesTest, AProvidersVectorsAreGivenOn) {
  Script("o-1", R"({"dimensions": 4})");
  const RawAnswer answer = Post(R"({"model":"o-1","input":[[1,2],[3]]})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr(R"("embedding":[)"));
  EXPECT_EQ(*upstream_->Stat("o-1", "paths./v1/embeddings"), 1);
}

TEST_F(EmbeddingsRoutesTest, AFailureIsToldAndRecorded) {
  for (const char* body : {"{broken", R"({"model":"mock-model"})"}) {
    const RawAnswer answer = Post(body);
    EXPECT_EQ(answer.status, 400) << answer.body;
    EXPECT_THAT(answer.body, StartsWith(R"({"error":{"message":")"));
    EXPECT_EQ(loop_->NextRecord()->record().http_status, 400);
  }
  // Anthropic makes no vectors.
  EXPECT_EQ(Post(R"({"model":"a-1","input":"x"})").status, 501);
  EXPECT_EQ(loop_->NextRecord()->record().http_status, 501);
  Script("o-1", R"({"status": 500})");
  EXPECT_EQ(Post(R"({"model":"o-1","input":"x"})").status, 502);
}

TEST_F(EmbeddingsRoutesTest, UnauthenticatedCallersAreRefused) {
  Open("auth: {callers: {api_keys: [{id: alice, key: 'env:ALICE'}]}}\n");
  const char kBody[] = R"({"model":"mock-model","input":"x"})";
  EXPECT_EQ(Post(kBody).status, 401);
  EXPECT_EQ(Post(kBody, "authorization: Bearer alice-0123456789\r\n").status,
            200);
}

// OpenAI's callers know no `inputs`.
TEST_F(EmbeddingsRoutesTest, ErrorsNameTheFieldThatCallersKnow) {
  const struct {
    const char* body;
    const char* param;
  } kCases[] = {
      {R"({"model":"mock-model"})", R"("param":"input")"},
      {R"({"model":"mock-model","input":[]})", R"("param":"input")"},
      {R"({"model":"mock-model","input":["a",""]})", R"("param":"input[1]")"},
  };
  for (const auto& [body, param] : kCases) {
    const RawAnswer answer = Post(body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_THAT(answer.body, HasSubstr(param)) << body;
    EXPECT_THAT(answer.body, Not(HasSubstr("inputs"))) << body;
  }
}

}  // namespace
}  // namespace gateway
