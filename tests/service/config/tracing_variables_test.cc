#include "service/config/tracing_variables.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_problem.h"
#include "service/config/config_reader.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::TracingConfig;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TracingVariablesTest : public testing::Test {
 protected:
  GatewayConfig Read(const Environment& environment,
                     std::string_view more = "") {
    ConfigDraft draft = ReadConfigDraft(
        AllProviderKinds(),
        absl::StrCat("providers: [{name: mock, mock: {}}]\n", ToAbsl(more)),
        "f", environment);
    problems_ = LinesOf(draft.problems);
    warnings_ = LinesOf(draft.warnings);
    return draft.config;
  }

  static std::vector<std::string> LinesOf(
      const std::vector<ConfigProblem>& problems) {
    std::vector<std::string> lines;
    for (const ConfigProblem& problem : problems) {
      lines.push_back(absl::StrCat(problem.path, ": ", problem.message));
    }
    return lines;
  }

  std::vector<std::string> problems_;
  std::vector<std::string> warnings_;
};

TEST_F(TracingVariablesTest, NoneOfThemChangesNothing) {
  EXPECT_FALSE(Read({}).has_tracing());
  EXPECT_EQ(
      Read({}, "tracing: {sampling_ratio: 0.5}\n").tracing().sampling_ratio(),
      0.5);
}

TEST_F(TracingVariablesTest, EachSystemsSwitchTurnsItOnAndOff) {
  for (const char* name : {"ENABLE_MODEL_TRACING", "LLM_TRACE_ENABLED",
                           "LLM_GATEWAY_TRACING_ENABLED"}) {
    EXPECT_TRUE(Read({{name, "true"}}).has_tracing()) << name;
    EXPECT_FALSE(Read({{name, "false"}}, "tracing: {}\n").has_tracing())
        << name;
    EXPECT_THAT(problems_, IsEmpty());
    Read({{name, "maybe"}});
    EXPECT_THAT(problems_, ElementsAre(HasSubstr("must be true or false")));
  }
  // One that wants it has it.
  EXPECT_TRUE(Read({{"ENABLE_MODEL_TRACING", "0"}, {"LLM_TRACE_ENABLED", "1"}})
                  .has_tracing());
}

TEST_F(TracingVariablesTest, AnEndpointOfOtlpIsExportedTo) {
  const TracingConfig bare =
      Read({{"OTLP_ENDPOINT", "collector:4317"}}).tracing();
  EXPECT_EQ(bare.endpoint(), "http://collector:4317");
  EXPECT_EQ(bare.exporter(), TracingConfig::EXPORTER_OTLP_GRPC);
  const TracingConfig url = Read({{"OTLP_ENDPOINT", "https://c:4318"}},
                                 "tracing: {exporter: otlp_http}\n")
                                .tracing();
  EXPECT_EQ(url.endpoint(), "https://c:4318");
  EXPECT_EQ(url.exporter(), TracingConfig::EXPORTER_OTLP_HTTP);
  EXPECT_FALSE(
      Read({{"OTLP_ENDPOINT", "c:1"}, {"LLM_GATEWAY_TRACING_ENABLED", "false"}})
          .has_tracing());
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(TracingVariablesTest, WithoutOneSpansGoToTheLog) {
  EXPECT_EQ(
      Read({{"LLM_GATEWAY_TRACING_ENABLED", "true"}}).tracing().exporter(),
      TracingConfig::EXPORTER_CONSOLE);
  EXPECT_EQ(Read({{"ENABLE_MODEL_TRACING", "true"}}).tracing().exporter(),
            TracingConfig::EXPORTER_NONE);
}

TEST_F(TracingVariablesTest, TheRateIsTheRatio) {
  const TracingConfig tracing =
      Read({{"GATEWAY_TRACE_SAMPLING_RATE", "0.25"}}).tracing();
  EXPECT_EQ(tracing.sampling_ratio(), 0.25);
  EXPECT_EQ(tracing.exporter(), TracingConfig::EXPORTER_NONE);
  EXPECT_EQ(
      Read({{"GATEWAY_TRACE_SAMPLING_RATE", "1.0"}}).tracing().sampling_ratio(),
      1);
  Read({{"GATEWAY_TRACE_SAMPLING_RATE", "2"}});
  EXPECT_THAT(problems_,
              ElementsAre(HasSubstr("GATEWAY_TRACE_SAMPLING_RATE: ")));
}

TEST_F(TracingVariablesTest, APackagesTracesAreThese) {
  const TracingConfig otlp = Read({{"LLM_TRACE_ENABLED", "true"},
                                   {"LLM_TRACE_EXPORTER", "otlp"},
                                   {"LLM_TRACE_SERVICE_NAME", "mine"}})
                                 .tracing();
  EXPECT_EQ(otlp.exporter(), TracingConfig::EXPORTER_OTLP_GRPC);
  EXPECT_EQ(otlp.endpoint(), "http://localhost:4317");
  EXPECT_EQ(otlp.service_name(), "mine");
  EXPECT_TRUE(otlp.llm_attributes());
  EXPECT_EQ(Read({{"LLM_TRACE_ENABLED", "true"},
                  {"LLM_TRACE_EXPORTER", "otlp"},
                  {"LLM_TRACE_ENDPOINT", "http://c:1"}})
                .tracing()
                .endpoint(),
            "http://c:1");
  EXPECT_EQ(
      Read({{"LLM_TRACE_ENABLED", "true"}, {"LLM_TRACE_EXPORTER", "console"}})
          .tracing()
          .exporter(),
      TracingConfig::EXPORTER_CONSOLE);
  EXPECT_EQ(
      Read({{"LLM_TRACE_ENABLED", "true"}, {"LLM_TRACE_EXPORTER", "none"}})
          .tracing()
          .exporter(),
      TracingConfig::EXPORTER_NONE);
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_THAT(warnings_, IsEmpty());
  Read({{"LLM_TRACE_ENABLED", "true"}, {"LLM_TRACE_EXPORTER", "zipkin"}});
  EXPECT_THAT(problems_, ElementsAre("LLM_TRACE_EXPORTER: must be otlp, "
                                     "console or none"));
}

TEST_F(TracingVariablesTest, WhatNeedsItsSwitchIsWarnedOfWithout) {
  EXPECT_FALSE(Read({{"LLM_TRACE_EXPORTER", "otlp"},
                     {"LLM_TRACE_ENDPOINT", "http://c:1"},
                     {"LLM_TRACE_SERVICE_NAME", "mine"}})
                   .has_tracing());
  EXPECT_THAT(
      warnings_,
      ElementsAre(HasSubstr("LLM_TRACE_EXPORTER: is not followed"),
                  HasSubstr("LLM_TRACE_ENDPOINT: is not followed"),
                  HasSubstr("LLM_TRACE_SERVICE_NAME: is not followed")));
}

}  // namespace
}  // namespace gateway
