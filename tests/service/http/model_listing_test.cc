#include "service/http/model_listing.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/http/api_test_base.h"
#include "tests/testing/raw_client.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ModelListingTest : public ApiTest {};

TEST_F(ModelListingTest, ListsWhatCallersCanName) {
  const RawAnswer answer = Ask("GET", "/v1/models");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Find("content-type"), "application/json");
  for (const char* model : {"mock-model", "o-1", "o-alias", "org/model"}) {
    EXPECT_THAT(answer.body, HasSubstr(model));
  }
}

TEST_F(ModelListingTest, ShowsAModelByItsEncodedName) {
  for (const char* path : {"/v1/models/org/model", "/v1/models/org%2Fmodel"}) {
    const RawAnswer answer = Ask("GET", path, "", "x-request-id: mine\r\n");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.Find("x-request-id"), "mine");
    EXPECT_THAT(answer.body, StartsWith(R"({"id":"org/model")"));
  }
}

TEST_F(ModelListingTest, ANameThatNobodyHasIsNotFound) {
  const RawAnswer missing = Ask("GET", "/v1/models/nobody");
  EXPECT_EQ(missing.status, 404);
  EXPECT_THAT(missing.body, HasSubstr("the model 'nobody' does not exist"));
  EXPECT_EQ(Ask("GET", "/v1/models/a%zz").status, 400);
}

TEST_F(ModelListingTest, UnauthenticatedCallersSeeNothing) {
  Open("auth: {callers: {api_keys: [{id: alice, key: 'env:ALICE'}]}}\n");
  for (const char* path : {"/v1/models", "/v1/models/o-1", "/v1/models/x"}) {
    EXPECT_EQ(Ask("GET", path).status, 401);
  }
  EXPECT_EQ(Ask("GET", "/v1/models", "", "x-goog-api-key: alice-0123456789\r\n")
                .status,
            200);
}

TEST_F(ModelListingTest, EveryApiListsWhatProvidersSayThatTheyHave) {
  provider_fields_ = "  discover_models: true\n";
  Open("");
  constexpr char kVersion[] = "anthropic-version: 2023-06-01\r\n";
  for (const auto& [path, fields] :
       {std::pair("/v1/models", ""), std::pair("/v1/models", kVersion),
        std::pair("/v1beta/models", "")}) {
    const RawAnswer answer = Ask("GET", path, "", fields);
    EXPECT_EQ(answer.status, 200);
    for (const char* model : {"mock-model", "o-1", "gpt-mock", "claude-mock"}) {
      EXPECT_THAT(answer.body, HasSubstr(model)) << path;
    }
  }
  EXPECT_EQ(Ask("GET", "/v1/models/gpt-mock").status, 200);
  // Each of the two was asked once.
  EXPECT_EQ(upstream_->Stat("", "total.requests").value_or(-1), 2);
}

TEST_F(ModelListingTest, AProviderThatFailsTakesNothingAway) {
  Script("/v1/models", R"({"status": 500})");
  provider_fields_ = "  discover_models: true\n";
  Open("");
  const RawAnswer answer = Ask("GET", "/v1/models");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("o-1"));
  EXPECT_THAT(answer.body, Not(HasSubstr("gpt-mock")));
}

TEST_F(ModelListingTest, AListWithoutEndIsNotRead) {
  std::string models = R"({\"id\":\"listed\",\"object\":\"model\"})";
  const std::string filler =
      absl::StrCat(R"(,{\"id\":\")", std::string(1000, 'm'), R"(\"})");
  for (int i = 0; i < 5000; ++i) models += filler;
  Script("/v1/models", absl::StrCat(R"({"status": 200, "body": "{\"data\":[)",
                                    models, R"(]}"})"));
  provider_fields_ = "  discover_models: true\n";
  Open("");
  const RawAnswer answer = Ask("GET", "/v1/models");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("o-1"));
  EXPECT_THAT(answer.body, Not(HasSubstr("listed")));
}

}  // namespace
}  // namespace gateway
