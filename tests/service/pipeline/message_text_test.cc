#include "service/pipeline/message_text.h"

#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/keys.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

v1::GenerateRequest LabelledRequest() {
  v1::GenerateRequest request;
  request.set_model("m \"quoted\"");
  v1::Message& message = *request.add_messages();
  message.set_role(v1::ROLE_USER);
  message.add_parts()->set_text("caf\xc3\xa9\n");
  message.add_parts()->set_text("second");
  (*request.mutable_labels())["team"] = "a";
  request.mutable_scope()->set_user_id("u");
  request.mutable_sampling()->set_temperature(0.5);
  request.set_max_output_tokens(7);
  return request;
}

TEST(MessageTextTest, WhatIsWrittenReadsAsTheSameMessage) {
  const v1::GenerateRequest request = LabelledRequest();
  const std::string text = MessageText(request, 100000);
  v1::GenerateRequest read;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(text, &read).ok())
      << text;
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(request, read))
      << text;
}

TEST(MessageTextTest, ItEndsWhereThereIsNoMoreRoom) {
  v1::GenerateRequest request = LabelledRequest();
  request.mutable_messages(0)->add_parts()->set_text(std::string(1000000, 'x'));
  const std::string all = MessageText(request, 2000000);
  for (const size_t most : {1, 2, 20, 50, 100, 200, 1000}) {
    const std::string text = MessageText(request, most);
    EXPECT_LE(text.size(), most);
    EXPECT_GE(text.size() + 4, most);
    if (text.size() > 4) {
      EXPECT_THAT(all, StartsWith(text.substr(0, text.size() - 4))) << most;
    }
  }
}

TEST(MessageTextTest, SecretsAreNotWritten) {
  v1::CreateKeyResponse response;
  response.mutable_key()->set_id("k");
  response.set_secret("canary");
  const std::string text = MessageText(response, 1000);
  EXPECT_THAT(text, Not(HasSubstr("canary")));
  EXPECT_THAT(text, HasSubstr("\"secret\":\"[redacted:secret]\""));
  EXPECT_THAT(text, HasSubstr("\"id\":\"k\""));
}

}  // namespace
}  // namespace gateway
