#include "clients/cli/failure_text.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

std::string DetailsOfGateway() {
  google::rpc::ErrorInfo info;
  info.set_reason("CIRCUIT_OPEN");
  google::rpc::BadRequest mistakes;
  auto& mistake = *mistakes.add_field_violations();
  mistake.set_field("model");
  mistake.set_description("is odd");
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  details.add_details()->PackFrom(mistakes);
  return details.SerializeAsString();
}

TEST(FailureTextTest, ALineForPeopleAndAnObjectForPrograms) {
  const absl::Status why = absl::NotFoundError("there is no \"a\"\nlook\n");
  EXPECT_EQ(FailureText(why, /*as_json=*/false),
            "gatewayctl: there is no \"a\"\nlook\n");
  EXPECT_EQ(FailureText(why, /*as_json=*/true),
            R"({"error":{"code":"NOT_FOUND","reason":"",)"
            R"("message":"there is no \"a\"\nlook"}})"
            "\n");
}

TEST(FailureTextTest, ProgramsReadUtf8WhateverAFileIsCalled) {
  EXPECT_THAT(FailureText(absl::NotFoundError("a\xff"), /*as_json=*/true),
              HasSubstr("\"a\xef\xbf\xbd\""));
}

TEST(FailureTextTest, ATerminalObeysNoWordsOfAGateway) {
  EXPECT_EQ(FailureText(absl::InternalError("a\x1b[2Jb"), /*as_json=*/false),
            "gatewayctl: a\\u001b[2Jb\n");
}

TEST(FailureTextTest, TheReasonOfAGatewayIsKept) {
  absl::Status why = absl::UnavailableError("down");
  EXPECT_EQ(FailureReason(why), "");
  EXPECT_EQ(FailureFields(why).field_violations_size(), 0);
  SetRpcDetails(DetailsOfGateway(), &why);
  EXPECT_EQ(FailureReason(why), "CIRCUIT_OPEN");
  EXPECT_EQ(FailureFields(why).field_violations(0).field(), "model");
  EXPECT_THAT(FailureText(why, /*as_json=*/true),
              HasSubstr(R"("code":"UNAVAILABLE","reason":"CIRCUIT_OPEN")"));
  absl::Status other = absl::InternalError("other");
  CopyRpcDetails(absl::InternalError("none"), &other);
  EXPECT_EQ(FailureReason(other), "");
  CopyRpcDetails(why, &other);
  EXPECT_EQ(FailureReason(other), "CIRCUIT_OPEN");
  SetRpcDetails("no message", &other);
  EXPECT_EQ(FailureReason(other), "");
}

TEST(FailureTextTest, WordsThatAreNoCommandMayAskForJson) {
  const std::vector<std::vector<std::string>> json = {
      {"nonsense", "--output", "json"},
      {"--output=json"},
      {"--output", "table", "a", "--output=json"}};
  for (const std::vector<std::string>& words : json) {
    EXPECT_TRUE(WantsJson(words)) << words[0];
  }
  const std::vector<std::vector<std::string>> text = {
      {},
      {"--output"},
      {"json"},
      {"--output", "table"},
      {"--outputs=json"},
      {"exec", "--", "a", "--output", "json"},
      {"--output=json", "--output=table"}};
  for (const std::vector<std::string>& words : text) {
    EXPECT_FALSE(WantsJson(words));
  }
}

}  // namespace
}  // namespace gateway
