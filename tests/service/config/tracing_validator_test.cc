#include "service/config/tracing_validator.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/config/problems_of.h"

namespace gateway {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> TracingProblems(const std::string& fields) {
  return ProblemsBesideAMock(absl::StrCat("tracing: {", fields, "}\n"));
}

TEST(TracingValidatorTest, WhatWorksIsAccepted) {
  EXPECT_THAT(TracingProblems(""), IsEmpty());
  EXPECT_THAT(TracingProblems("exporter: console"), IsEmpty());
  EXPECT_THAT(TracingProblems("endpoint: 'http://collector:4317'"), IsEmpty());
  EXPECT_THAT(
      TracingProblems("exporter: otlp_http, "
                      "endpoint: 'https://collector/v1/traces', "
                      "headers: [{name: authorization, value: 'env:T'}, "
                      "{name: x-tenant, value: 'file:t'}]"),
      IsEmpty());
  EXPECT_THAT(TracingProblems("endpoint: 'http://127.0.0.1:4317', "
                              "headers: [{name: api-key, value: 'env:T'}]"),
              IsEmpty());
  EXPECT_THAT(
      TracingProblems("sampling_ratio: 0, queue_spans_limit: 512, "
                      "resource_attributes: {deployment.environment: test}"),
      IsEmpty());
}

TEST(TracingValidatorTest, AnExporterNeedsAnEndpointThatFits) {
  EXPECT_THAT(TracingProblems("exporter: otlp_grpc"),
              ElementsAre(HasSubstr("tracing.endpoint: is required")));
  EXPECT_THAT(TracingProblems("exporter: otlp_http"),
              ElementsAre(HasSubstr("tracing.endpoint: is required")));
  EXPECT_THAT(TracingProblems("endpoint: 'collector:4317'"),
              ElementsAre(HasSubstr("tracing.endpoint: ")));
  EXPECT_THAT(TracingProblems("endpoint: 'http://collector:4317/v1/traces'"),
              ElementsAre(HasSubstr("must have no path")));
}

TEST(TracingValidatorTest, HeadersDoNotCrossANetworkInTheClear) {
  EXPECT_THAT(TracingProblems("endpoint: 'http://collector:4317', "
                              "headers: [{name: x-t, value: 'env:T'}]"),
              ElementsAre(HasSubstr("must begin with https://")));
}

TEST(TracingValidatorTest, HeadersAreNoneOfOthers) {
  const auto with = [](const std::string& headers) {
    return TracingProblems(
        absl::StrCat("endpoint: 'https://c', headers: [", headers, "]"));
  };
  for (const char* name :
       {"te", "content-type", "grpc-timeout", "X-Tenant", "host", "a b"}) {
    EXPECT_THAT(with(absl::StrCat("{name: '", name, "', value: 'env:T'}")),
                ElementsAre(HasSubstr("tracing.headers[0].name: ")))
        << name;
  }
  EXPECT_THAT(with("{value: 'env:T'}"),
              ElementsAre(HasSubstr("headers[0].name: is required")));
  EXPECT_THAT(with("{name: x-t}"),
              ElementsAre(HasSubstr("headers[0].value: is required")));
  EXPECT_THAT(with("{name: x-t, value: secret-itself}"),
              ElementsAre(HasSubstr("headers[0].value: ")));
  EXPECT_THAT(with("{name: x-t, value: 'env:T'}, {name: x-t, value: 'env:T'}"),
              ElementsAre(HasSubstr("headers[1].name: is there twice")));
  std::string many;
  for (int i = 0; i < 17; ++i) {
    absl::StrAppend(&many, "{name: x-", i, ", value: 'env:T'},");
  }
  EXPECT_THAT(with(many), ElementsAre(HasSubstr("tracing.headers")));
}

TEST(TracingValidatorTest, ABatchFitsIntoTheQueue) {
  EXPECT_THAT(TracingProblems("queue_spans_limit: 511"),
              ElementsAre(HasSubstr(
                  "must be at least batch_spans_limit, which is 512")));
}

TEST(TracingValidatorTest, RangesAreChecked) {
  EXPECT_THAT(TracingProblems("sampling_ratio: 1.5"),
              ElementsAre(HasSubstr("tracing.sampling_ratio")));
  EXPECT_THAT(TracingProblems("sampling_ratio: -0.1"),
              ElementsAre(HasSubstr("tracing.sampling_ratio")));
  EXPECT_THAT(TracingProblems("store: {ttl: 1s}"),
              Contains(HasSubstr("tracing.store.ttl")));
}

TEST(TracingValidatorTest, TheResourceHasOneName) {
  EXPECT_THAT(TracingProblems("resource_attributes: {service.name: x}"),
              ElementsAre(HasSubstr("give tracing.service_name")));
  EXPECT_THAT(TracingProblems(absl::StrCat(
                  "resource_attributes: {a: ", std::string(257, 'x'), "}")),
              ElementsAre(HasSubstr("values of at most 256")));
}

}  // namespace
}  // namespace gateway
