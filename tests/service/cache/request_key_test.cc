#include "service/cache/request_key.h"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr std::string_view kBody = R"({"model":"m","messages":[]})";

RequestScope Scope() {
  return {.caller = "alice", .api = "openai_chat", .operation = "generate"};
}

TEST(RequestKeyTest, TheSameRequestHasTheSameKey) {
  EXPECT_EQ(KeyOfJson(Scope(), kBody, {}),
            KeyOfJson(Scope(), R"({ "messages": [], "model": "\u006d" })", {}));
  EXPECT_EQ(KeyOfJson(Scope(), kBody, {})->Hex().size(), 64);
}

TEST(RequestKeyTest, EachPartOfTheScopeTellsApart) {
  const std::vector<std::string_view> routes = {"a", "b"};
  const std::vector<std::string_view> joined = {"ab"};
  const std::vector<std::string_view> turned = {"b", "a"};
  std::set<std::string> keys;
  const auto add = [&keys](const RequestScope& scope) {
    EXPECT_TRUE(keys.insert(KeyOfJson(scope, kBody, {})->Hex()).second);
    EXPECT_TRUE(keys.insert(KeyOfBytes(scope, kBody).Hex()).second);
  };
  RequestScope scope = Scope();
  add(scope);
  scope.caller = "bob";
  add(scope);
  // No caller's name can take what follows it in.
  scope.caller = "aliceopenai_chat";
  scope.api = "";
  add(scope);
  scope = Scope();
  scope.api = "gemini";
  add(scope);
  scope = Scope();
  scope.operation = "count";
  add(scope);
  scope = Scope();
  scope.stream = true;
  add(scope);
  scope = Scope();
  scope.varies_by = routes;
  add(scope);
  scope.varies_by = joined;
  add(scope);
  scope.varies_by = turned;
  add(scope);
}

TEST(RequestKeyTest, WhatIsNotCertainHasNoKeyButThatOfItsBytes) {
  const std::string_view twice = R"({"a":1,"a":2})";
  EXPECT_EQ(KeyOfJson(Scope(), twice, {}), std::nullopt);
  EXPECT_EQ(KeyOfBytes(Scope(), twice), KeyOfBytes(Scope(), twice));
  EXPECT_FALSE(KeyOfBytes(Scope(), twice) ==
               KeyOfBytes(Scope(), R"({"a":1,"a":3})"));
}

v1::GenerateRequest Message() {
  v1::GenerateRequest request;
  request.set_model("m");
  request.add_messages()->add_parts()->set_text("hello");
  for (int i = 0; i < 20; ++i) {
    (*request.mutable_labels())[std::string(1, static_cast<char>('a' + i))] =
        "x";
  }
  return request;
}

TEST(RequestKeyTest, AMessagesMapsHaveOneOrder) {
  v1::GenerateRequest other = Message();
  other.clear_labels();
  for (int i = 19; i >= 0; --i) {
    (*other.mutable_labels())[std::string(1, static_cast<char>('a' + i))] = "x";
  }
  EXPECT_EQ(KeyOfMessage(Scope(), Message(), {}),
            KeyOfMessage(Scope(), other, {}));
  EXPECT_NE(KeyOfMessage(Scope(), Message(), {}), std::nullopt);
}

TEST(RequestKeyTest, FieldsOfAMessageAreLeftOut) {
  const std::vector<int> left_out = LeftOutOfGenerateRequest(
      {{"user", "metadata", "prompt_cache_key", "safety_identifier"}});
  const auto key = [&left_out](const v1::GenerateRequest& request) {
    return KeyOfMessage(Scope(), request, left_out);
  };
  v1::GenerateRequest request = Message();
  request.clear_labels();
  request.mutable_scope()->set_user_id("u");
  request.set_idempotency_key("k");
  request.set_prompt_cache_key("p");
  request.mutable_cache_control()->set_no_store(true);
  EXPECT_EQ(key(request), key(Message()));
  EXPECT_NE(KeyOfMessage(Scope(), request, {}),
            KeyOfMessage(Scope(), Message(), {}));
  request.mutable_sampling()->set_temperature(0.5);
  EXPECT_NE(key(request), key(Message()));
  request.mutable_sampling()->set_temperature(0.25);
  const std::optional<RequestKey> quarter = key(request);
  request.mutable_sampling()->set_temperature(0.5);
  EXPECT_NE(key(request), quarter);
}

TEST(RequestKeyTest, EachFieldOfAMessageThatCountsChangesTheKey) {
  std::set<std::string> keys;
  const auto add = [&keys](auto change) {
    v1::GenerateRequest request = Message();
    change(request);
    EXPECT_TRUE(
        keys.insert(KeyOfMessage(Scope(), request, LeftOutOfGenerateRequest({}))
                        ->Hex())
            .second);
  };
  add([](v1::GenerateRequest&) {});
  add([](v1::GenerateRequest& r) { r.set_model("n"); });
  add([](v1::GenerateRequest& r) { r.add_messages(); });
  add([](v1::GenerateRequest& r) {
    r.mutable_messages(0)->mutable_parts(0)->set_text("hellp");
  });
  add([](v1::GenerateRequest& r) { r.set_max_output_tokens(1); });
  add([](v1::GenerateRequest& r) { r.add_tools(); });
  add([](v1::GenerateRequest& r) { r.mutable_scope()->set_user_id("u"); });
  add([](v1::GenerateRequest& r) { (*r.mutable_labels())["a"] = "y"; });
  add([](v1::GenerateRequest& r) { r.set_store(false); });
  add([](v1::GenerateRequest& r) { r.set_verbosity("low"); });
}

}  // namespace
}  // namespace gateway
