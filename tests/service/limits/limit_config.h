// Limits as a configuration has them, from text, with the defaults filled in.
//
//   Limit(R"(name: "rpm" unit: LIMIT_UNIT_REQUESTS limit: 60)");
//
// Thread-compatible.

#ifndef TESTS_SERVICE_LIMITS_LIMIT_CONFIG_H_
#define TESTS_SERVICE_LIMITS_LIMIT_CONFIG_H_

#include <initializer_list>
#include <string>

#include "google/protobuf/repeated_ptr_field.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/limits/counter_key.h"

namespace gateway {

inline constexpr KeySecret kTestSecret = {17, 4};

// REQUIRES: `text` is a RateLimit.
inline llmgateway::config::v1::RateLimit Limit(const std::string& text) {
  llmgateway::config::v1::RateLimit limit;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &limit))
      << text;
  if (!limit.has_window()) limit.mutable_window()->set_seconds(60);
  return limit;
}

inline google::protobuf::RepeatedPtrField<llmgateway::config::v1::RateLimit>
LimitList(std::initializer_list<std::string> texts) {
  google::protobuf::RepeatedPtrField<llmgateway::config::v1::RateLimit> limits;
  for (const std::string& text : texts) *limits.Add() = Limit(text);
  return limits;
}

}  // namespace gateway

#endif  // TESTS_SERVICE_LIMITS_LIMIT_CONFIG_H_
