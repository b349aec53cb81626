#include "service/config/key_terms.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/server.pb.h"
#include "service/config/config_problem.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::ApiKey;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> ProblemsOfKey(const ApiKey& key) {
  ConfigProblems problems("f");
  CheckKeyTerms("key", KeyTermsOf(key), FieldPlaces(), &problems);
  std::vector<std::string> lines;
  for (const ConfigProblem& problem : problems.Sorted()) {
    lines.push_back(absl::StrCat(problem.path, ": ", problem.message));
  }
  return lines;
}

std::vector<std::string> ProblemsOfKey(const std::string& text) {
  ApiKey key;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &key));
  return ProblemsOfKey(key);
}

TEST(KeyTermsTest, WhatIsRightHasNoProblem) {
  EXPECT_THAT(ProblemsOfKey(""), IsEmpty());
  EXPECT_THAT(
      ProblemsOfKey("owner: 'team' scopes: ['api:openai', 'model:gpt-*'] "
                    "labels: {key: 'team' value: 'search'} "
                    "limits: {unit: LIMIT_UNIT_REQUESTS limit: 60 burst: 5} "
                    "limits: {unit: LIMIT_UNIT_CONCURRENT_CALLS limit: 4} "
                    "limits: {unit: LIMIT_UNIT_COST limit_usd: '2.50'}"),
      IsEmpty());
}

TEST(KeyTermsTest, TheFieldAtFaultIsNamed) {
  EXPECT_THAT(ProblemsOfKey("owner: 'a\\n'"),
              ElementsAre(HasSubstr("key.owner: must be at most 256")));
  EXPECT_THAT(ProblemsOfKey("scopes: ['model:a', 'api:telepathy']"),
              ElementsAre(HasSubstr("key.scopes[1]: ")));
  EXPECT_THAT(ProblemsOfKey("labels: {key: '' value: 'a'}"),
              ElementsAre(HasSubstr("key.labels: '' must be 1 to 64")));
}

TEST(KeyTermsTest, NoListHasMoreThanItMay) {
  ApiKey key;
  for (int i = 0; i < 16; ++i) {
    (*key.mutable_labels())[absl::StrCat(i)] = "x";
    auto& limit = *key.add_limits();
    limit.set_unit(llmgateway::config::v1::LIMIT_UNIT_REQUESTS);
    limit.set_limit(1);
    limit.mutable_window()->set_seconds(60 + i);
  }
  for (int i = 0; i < 1000; ++i) key.add_scopes("model:a");
  key.set_owner(std::string(256, 'o'));
  EXPECT_THAT(ProblemsOfKey(key), IsEmpty());
  (*key.mutable_labels())["one more"] = "x";
  *key.add_limits() = key.limits(0);
  key.add_scopes("model:a");
  EXPECT_THAT(
      ProblemsOfKey(key),
      ElementsAre("key.scopes: has 1001 entries; at most 1000 are allowed",
                  "key.labels: has 17 entries; at most 16 are allowed",
                  "key.limits: has 17 entries; at most 16 are allowed"));
}

TEST(KeyTermsTest, ALimitIsCheckedAsAnyOther) {
  EXPECT_THAT(ProblemsOfKey("limits: {limit: 5}"),
              ElementsAre("key.limits[0].unit: is required"));
  EXPECT_THAT(ProblemsOfKey("limits: {unit: LIMIT_UNIT_REQUESTS}"),
              ElementsAre("key.limits[0].limit: is required: 1 to "
                          "1000000000000"));
}

}  // namespace
}  // namespace gateway
