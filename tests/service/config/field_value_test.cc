#include "service/config/field_value.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"

namespace gateway {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::llmgateway::config::v1::ApiKey;
using ::llmgateway::config::v1::LimitsConfig;
using ::llmgateway::config::v1::LOG_LEVEL_DEBUG;
using ::llmgateway::config::v1::LoggingConfig;
using ::llmgateway::config::v1::ProviderConfig;
using ::llmgateway::config::v1::RetryConfig;
using ::llmgateway::config::v1::RuntimeConfig;

// What AssignText says; empty if it succeeds.
std::string Assign(std::string_view text, const char* field, Message* message) {
  const FieldDescriptor* found =
      message->GetDescriptor()->FindFieldByName(field);
  EXPECT_NE(found, nullptr) << field;
  EXPECT_TRUE(IsTextual(*found));
  return std::string(AssignText(text, *found, message).message());
}

TEST(FieldValueTest, ReadsWholeNumbersThatFit) {
  RuntimeConfig runtime;
  EXPECT_EQ(Assign("16", "event_loops", &runtime), "");
  EXPECT_EQ(runtime.event_loops(), 16);
  EXPECT_EQ(Assign("-2147483648", "event_loops", &runtime), "");
  EXPECT_EQ(Assign("2147483647", "event_loops", &runtime), "");
  EXPECT_EQ(Assign("2147483648", "event_loops", &runtime),
            "'2147483648' is not a number that fits into 32 bits; give a "
            "smaller one");
  for (const char* wrong : {"", "1.5", "0x10", "1e3", "one", "1 2"}) {
    EXPECT_NE(Assign(wrong, "event_loops", &runtime), "") << wrong;
  }
  EXPECT_EQ(runtime.event_loops(), 2147483647);
}

TEST(FieldValueTest, ReadsSizesInBytesAndUnits) {
  LimitsConfig limits;
  const auto size = [&limits](std::string_view text) {
    EXPECT_EQ(Assign(text, "response_bytes_limit", &limits), "") << text;
    return limits.response_bytes_limit();
  };
  EXPECT_EQ(size("0"), 0);
  EXPECT_EQ(size("1234"), 1234);
  EXPECT_EQ(size("1KiB"), 1024);
  EXPECT_EQ(size("4MiB"), 4 << 20);
  EXPECT_EQ(size("4 MiB"), 4 << 20);
  EXPECT_EQ(size("3GiB"), int64_t{3} << 30);
  EXPECT_EQ(size("8589934591GiB"), int64_t{8589934591} << 30);
  for (const char* wrong : {"", "MiB", "-1", "1.5MiB", "4MB", "4mib", "4M",
                            "8589934592GiB", "99999999999999999999"}) {
    EXPECT_NE(Assign(wrong, "response_bytes_limit", &limits), "") << wrong;
  }
}

TEST(FieldValueTest, TakesUnitsOnlyForSizes) {
  LimitsConfig limits;
  EXPECT_NE(Assign("1KiB", "messages_limit", &limits), "");
}

TEST(FieldValueTest, ReadsDurationsWithTheirUnit) {
  RuntimeConfig runtime;
  EXPECT_EQ(Assign("1m30s", "drain_grace", &runtime), "");
  EXPECT_EQ(runtime.drain_grace().seconds(), 90);
  EXPECT_EQ(Assign("1500ms", "drain_grace", &runtime), "");
  EXPECT_EQ(runtime.drain_grace().seconds(), 1);
  EXPECT_EQ(runtime.drain_grace().nanos(), 500'000'000);
  EXPECT_EQ(Assign("0s", "drain_grace", &runtime), "");
  EXPECT_EQ(runtime.drain_grace().seconds(), 0);
  for (const char* wrong : {"", "30", "-1s", "inf", "30 s", "1d", "1e30h"}) {
    EXPECT_NE(Assign(wrong, "drain_grace", &runtime), "") << wrong;
  }
  EXPECT_EQ(Assign("30", "drain_grace", &runtime),
            "'30' is not a duration; write it with its unit, such as 250ms, "
            "30s or 1m30s");
}

TEST(FieldValueTest, ReadsTruthValuesInOneFormOnly) {
  LoggingConfig logging;
  EXPECT_EQ(Assign("true", "log_prompts", &logging), "");
  EXPECT_TRUE(logging.log_prompts());
  EXPECT_EQ(Assign("false", "log_prompts", &logging), "");
  EXPECT_FALSE(logging.log_prompts());
  for (const char* wrong : {"yes", "on", "1", "True", ""}) {
    EXPECT_NE(Assign(wrong, "log_prompts", &logging), "") << wrong;
  }
}

TEST(FieldValueTest, ReadsNumbersThatAreFinite) {
  RetryConfig retry;
  EXPECT_EQ(Assign("1.5", "backoff_multiplier", &retry), "");
  EXPECT_EQ(retry.backoff_multiplier(), 1.5);
  EXPECT_EQ(Assign("2", "backoff_multiplier", &retry), "");
  for (const char* wrong : {"nan", "inf", "1e999", "two", ""}) {
    EXPECT_NE(Assign(wrong, "backoff_multiplier", &retry), "") << wrong;
  }
}

TEST(FieldValueTest, ReadsEnumsShortAndLong) {
  LoggingConfig logging;
  EXPECT_EQ(Assign("debug", "level", &logging), "");
  EXPECT_EQ(logging.level(), LOG_LEVEL_DEBUG);
  EXPECT_EQ(Assign("LOG_LEVEL_DEBUG", "level", &logging), "");
  EXPECT_EQ(Assign("debgu", "level", &logging),
            "'debgu' is not one of trace, debug, info, warn, error, off; did "
            "you mean 'debug'?");
  for (const char* wrong : {"unspecified", "Debug", "2", ""}) {
    EXPECT_NE(Assign(wrong, "level", &logging), "") << wrong;
  }
  EXPECT_EQ(ShortEnumName(*ApiKey::State_descriptor()->FindValueByName(
                "STATE_DISABLED")),
            "disabled");
}

TEST(FieldValueTest, ReadsTimesWithTheirZone) {
  ApiKey key;
  EXPECT_EQ(Assign("2027-01-31T01:00:00.25+01:00", "expire_time", &key), "");
  EXPECT_EQ(key.expire_time().seconds(), 1'801'353'600);
  EXPECT_EQ(key.expire_time().nanos(), 250'000'000);
  EXPECT_EQ(Assign("1969-12-31T23:59:59.25Z", "expire_time", &key), "");
  EXPECT_EQ(key.expire_time().seconds(), -1);
  EXPECT_EQ(key.expire_time().nanos(), 250'000'000);
  for (const char* wrong :
       {"", "2027-01-31", "2027-01-31T00:00:00", "2027-02-30T00:00:00Z",
        "tomorrow", "1801353600", "infinite-future", "10000-01-01T00:00:00Z",
        "0000-12-31T23:59:59Z"}) {
    EXPECT_NE(Assign(wrong, "expire_time", &key), "") << wrong;
  }
  EXPECT_EQ(Assign("2027-01-31", "expire_time", &key),
            "'2027-01-31' is not a time with its zone, such as "
            "2027-01-31T00:00:00Z");
}

TEST(FieldValueTest, AppendsToLists) {
  ProviderConfig provider;
  EXPECT_EQ(Assign("a", "models", &provider), "");
  EXPECT_EQ(Assign("b", "models", &provider), "");
  EXPECT_EQ(provider.models_size(), 2);
  EXPECT_EQ(provider.models(1), "b");
}

TEST(FieldValueTest, DoesNotRepeatWhatMayBeASecret) {
  RuntimeConfig runtime;
  const std::string message =
      Assign("sk-0123456789abcdef0123456789", "event_loops", &runtime);
  EXPECT_EQ(message, "the value is not a whole number");
}

TEST(FieldValueTest, MessagesAreNotTextual) {
  const auto* openai = ProviderConfig::descriptor()->FindFieldByName("openai");
  EXPECT_FALSE(IsTextual(*openai));
}

}  // namespace
}  // namespace gateway
