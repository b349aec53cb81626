#include "service/pipeline/call_key.h"

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "base/http/http_client.h"
#include "gtest/gtest.h"
#include "tests/service/pipeline/planned_call.h"

namespace gateway {
namespace {

class CallKeyTest : public PlannedCallTest {
 protected:
  std::optional<RequestKey> Key(std::string_view caller = "alice") {
    return KeyOfCall(call_, caller, "caller", {}, &stored_);
  }

  bool stored_ = false;
};

TEST_F(CallKeyTest, AllThatTheAnswerDependsOnTellsCallsApart) {
  std::set<std::string> keys;
  const auto add = [&] {
    const auto key = Key();
    ASSERT_TRUE(key);
    EXPECT_TRUE(keys.insert(key->Hex()).second);
  };
  add();
  SetBody(R"({"model":"gpt-x","messages":[],"n":2})");
  add();
  // Another name of the model is another target.
  SetBody(R"({"model":"fast","messages":[]})");
  add();
  SetBody(R"({"model":"gpt-x","messages":[]})");
  PlanFor("gpt-y");
  add();
  SetBody(R"({"model":"gpt-x","messages":[]})");
  call_.facts.strict_output = true;
  add();
  call_.facts.strict_output = false;
  const HttpField fields[] = {{"anthropic-beta", "b"}};
  call_.facts.forwarded_fields = fields;
  add();
  call_.facts.forwarded_fields = {};
  call_.SetPath("", "/other");
  add();
  SetMessage();
  add();
  EXPECT_NE(Key("alice"), Key("bob"));
}

TEST_F(CallKeyTest, AnAnswerIsStoredIfTheRequestSaysSoOrTheApiDoes) {
  Key();
  EXPECT_FALSE(stored_);
  call_.facts.remembered_unless_refused = true;
  Key();
  EXPECT_TRUE(stored_);
  SetBody(R"({"model":"gpt-x","messages":[],"store":false})");
  Key();
  EXPECT_FALSE(stored_);
  call_.facts.remembered_unless_refused = false;
  SetBody(R"({"model":"gpt-x","messages":[],"store":true})");
  Key();
  EXPECT_TRUE(stored_);
  SetMessage();
  Key();
  EXPECT_FALSE(stored_);
  request_.set_store(true);
  Key();
  EXPECT_TRUE(stored_);
}

TEST_F(CallKeyTest, AFingerprintIsOfTheRequestAndNotOfWhereItGoes) {
  const RequestKey first = FingerprintOf(call_);
  SetBody("{ \"messages\": [], \"model\": \"gpt-x\" }");
  EXPECT_EQ(FingerprintOf(call_), first);
  SetBody(R"({"model":"gpt-x","messages":[],"user":"u"})");
  EXPECT_FALSE(FingerprintOf(call_) == first);
  // Also of what means nothing certain.
  SetBody(R"({"model":"gpt-x","messages":[],"a":1,"a":2})");
  const RequestKey twice = FingerprintOf(call_);
  EXPECT_EQ(Key(), std::nullopt);
  SetBody(R"({"model":"gpt-x","messages":[],"a":1,"a":3})");
  EXPECT_FALSE(FingerprintOf(call_) == twice);
  SetMessage();
  const RequestKey message = FingerprintOf(call_);
  request_.set_idempotency_key("k");
  EXPECT_EQ(FingerprintOf(call_), message);
  request_.set_verbosity("low");
  EXPECT_FALSE(FingerprintOf(call_) == message);
}

TEST_F(CallKeyTest, WhatACallerAllowsIsSaidInEitherPlace) {
  call_.facts.cache_control = "no-cache, max-age=7";
  EXPECT_TRUE(CacheControlOf(call_).no_cache);
  EXPECT_EQ(CacheControlOf(call_).age_max, absl::Seconds(7));
  // A request that was read and says nothing of it.
  SetMessage();
  EXPECT_TRUE(CacheControlOf(call_).no_cache);
  EXPECT_EQ(CacheControlOf(call_).age_max, absl::Seconds(7));
  // What it says goes before.
  v1::CacheControl& said = *request_.mutable_cache_control();
  EXPECT_FALSE(CacheControlOf(call_).no_cache);
  EXPECT_EQ(CacheControlOf(call_).age_max, absl::InfiniteDuration());
  said.set_no_store(true);
  said.set_only_if_cached(true);
  said.mutable_max_age()->set_seconds(-1);
  EXPECT_TRUE(CacheControlOf(call_).no_store);
  EXPECT_TRUE(CacheControlOf(call_).only_if_cached);
  EXPECT_EQ(CacheControlOf(call_).age_max, absl::ZeroDuration());
}

TEST_F(CallKeyTest, APolicyIsToldWhatTheCallIs) {
  EXPECT_TRUE(CacheableRequestOf(call_).generates);
  EXPECT_FALSE(CacheableRequestOf(call_).has_tools);
  SetBody(R"({"model":"gpt-x","messages":[],"tools":[{"type":"function",)"
          R"("function":{"name":"f"}}]})");
  EXPECT_TRUE(CacheableRequestOf(call_).has_tools);
  call_.facts.stream = true;
  EXPECT_TRUE(CacheableRequestOf(call_).stream);
  call_.facts.background = true;
  EXPECT_TRUE(CacheableRequestOf(call_).background);
  call_.facts.previous_response_id = "resp_1";
  EXPECT_TRUE(CacheableRequestOf(call_).builds_on_stored);
  call_.facts.counts = true;
  EXPECT_FALSE(CacheableRequestOf(call_).generates);
}

}  // namespace
}  // namespace gateway
