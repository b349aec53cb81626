#include "service/http/stored_responses.h"

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/http/api_test_base.h"
#include "tests/testing/raw_client.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class StoredResponsesTest : public ApiTest {
 protected:
  RawAnswer Post(std::string_view body) {
    return Ask("POST", "/v1/responses", body);
  }

  // A request; `more` begins with a comma.
  static std::string Body(std::string_view model, std::string_view input,
                          std::string_view more = "") {
    return absl::StrCat(R"({"model":")", ToAbsl(model), R"(","input":")",
                        ToAbsl(input), "\"", ToAbsl(more), "}");
  }

  // The first `"id":"resp_..."` of an answer.
  static std::string IdOf(const RawAnswer& answer) {
    const std::string mark = R"("id":"resp_)";
    const size_t begin = answer.body.find(mark);
    if (begin == std::string::npos) return "none";
    const size_t id = begin + mark.size() - 5;
    return answer.body.substr(id, answer.body.find('"', id) - id);
  }
};

TEST_F(StoredResponsesTest, WhatIsRememberedIsShownAndDeleted) {
  Script("a-1", R"({"text": "keep this"})");
  const std::string id = IdOf(Post(Body("a-1", "hi")));
  const std::string path = absl::StrCat("/v1/responses/", id);
  const RawAnswer shown = Ask("GET", path);
  EXPECT_EQ(shown.status, 200);
  EXPECT_THAT(shown.body, AllOf(HasSubstr(id), HasSubstr("keep this")));
  const RawAnswer deleted = Ask("DELETE", path);
  EXPECT_EQ(deleted.body,
            absl::StrCat(R"({"id":")", id,
                         R"(","object":"response","deleted":true})"));
  EXPECT_EQ(Ask("GET", path).status, 404);
  EXPECT_EQ(Ask("DELETE", path).status, 404);
}

TEST_F(StoredResponsesTest, WhatWasForwardedIsAskedForWhereItLives) {
  const std::string path =
      absl::StrCat("/v1/responses/", IdOf(Post(Body("o-1", "hi"))));
  const RawAnswer shown = Ask("GET", path);
  EXPECT_EQ(shown.status, 200) << shown.body;
  EXPECT_THAT(shown.body, HasSubstr(R"("object":"response")"));
  EXPECT_THAT(Ask("GET", path + "/input_items?limit=2").body,
              HasSubstr("limit=2"));
  const RawAnswer refused = Ask("POST", path + "/cancel");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("synchronous"));
  EXPECT_EQ(Ask("GET", path + "?stream=true").status, 400);
  EXPECT_THAT(Ask("DELETE", path).body, HasSubstr(R"("deleted":true)"));
  EXPECT_EQ(Ask("GET", path).status, 404);
}

TEST_F(StoredResponsesTest, AForwardedStreamIsFoundAgain) {
  const RawAnswer stream = Post(Body("o-1", "hi", R"(,"stream":true)"));
  EXPECT_EQ(Ask("GET", absl::StrCat("/v1/responses/", IdOf(stream))).status,
            200);
}

TEST_F(StoredResponsesTest, AnotherCallersIsNotFound) {
  const RawAnswer first = Post(Body("o-1", "hi"));
  const std::string path = absl::StrCat("/v1/responses/", IdOf(first));
  Open("auth: {callers: {api_keys: [{id: alice, key: 'env:ALICE'}]}}\n");
  const RawAnswer gone =
      Ask("GET", path, "", "authorization: Bearer alice-0123456789\r\n");
  EXPECT_EQ(gone.status, 404);
  EXPECT_THAT(gone.body, Not(HasSubstr("model_not_found")));
}

TEST_F(StoredResponsesTest, AnAnswerThatIsKeptHereIsCompleteAndHasNoItems) {
  const std::string path =
      absl::StrCat("/v1/responses/", IdOf(Post(Body("a-1", "hi"))));
  EXPECT_EQ(Ask("POST", path + "/cancel").status, 400);
  EXPECT_EQ(Ask("GET", path + "/input_items").status, 501);
}

TEST_F(StoredResponsesTest, WhoAsksForEventsIsToldThatThereAreNone) {
  for (const char* model : {"a-1", "o-1"}) {
    const std::string path =
        absl::StrCat("/v1/responses/", IdOf(Post(Body(model, "hi"))));
    for (const char* query : {"?stream=true", "?include=x&stream=True"}) {
      const RawAnswer refused = Ask("GET", path + query);
      EXPECT_EQ(refused.status, 400) << model << query;
      EXPECT_THAT(refused.body, HasSubstr(R"("param":"stream")"));
    }
    EXPECT_EQ(Ask("GET", path + "?stream=false").status, 200) << model;
  }
}

}  // namespace
}  // namespace gateway
