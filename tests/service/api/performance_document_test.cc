#include "service/api/performance_document.h"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/routing/selection/model_performance.h"
#include "service/state/state_store.h"

namespace gateway {
namespace {

const absl::Time kHourStart = absl::FromUnixSeconds(3600 * 500'000);

std::vector<KeptPerformance> Kept() {
  return {
      {.model = "m \"1\"",
       .hours =
           {{.hour = 499'999, .successes = 1, .latency_us = 5},
            {.hour = 500'000, .failures = 2, .tokens = 3, .cost_usd_nanos = 4}},
       .recent_failures = 2,
       .last_success_ns = 6,
       .last_failure_ns = 7}};
}

TEST(PerformanceDocumentTest, ComesBackAsItWas) {
  const absl::StatusOr<std::vector<KeptPerformance>> read =
      ReadPerformance(WritePerformance(Kept()));
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), 1u);
  const KeptPerformance& model = read->front();
  EXPECT_EQ(model.model, "m \"1\"");
  EXPECT_EQ(model.recent_failures, 2);
  EXPECT_EQ(model.last_success_ns, 6);
  EXPECT_EQ(model.last_failure_ns, 7);
  ASSERT_EQ(model.hours.size(), 2u);
  EXPECT_EQ(model.hours[0].hour, 499'999);
  EXPECT_EQ(model.hours[0].successes, 1);
  EXPECT_EQ(model.hours[0].latency_us, 5);
  EXPECT_EQ(model.hours[1].failures, 2);
  EXPECT_EQ(model.hours[1].tokens, 3);
  EXPECT_EQ(model.hours[1].cost_usd_nanos, 4);
  EXPECT_EQ(WritePerformance({}), "");
}

TEST(PerformanceDocumentTest, FitsIntoADocumentWhateverThereIs) {
  std::vector<KeptPerformance> many;
  for (int i = 0; i < kPerformanceModelsMax; ++i) {
    KeptPerformance& model = many.emplace_back();
    model.model = std::string(128, 'm') + std::to_string(i);
    for (int64_t hour = 0; hour < kPerformanceHours; ++hour) {
      constexpr int64_t kMany = int64_t{1} << 55;
      model.hours.push_back({hour, kMany, kMany, kMany, kMany, kMany});
    }
  }
  const std::string text = WritePerformance(many);
  EXPECT_LE(text.size(), kStateDocumentBytesLimit);
  const auto read = ReadPerformance(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_GT(read->size(), 500u);
}

TEST(PerformanceDocumentTest, WhatIsDamagedIsLeftOutWithoutHarm) {
  std::string folder = testing::TempDir() + "/performance.XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::unique_ptr<StateStore> store = *StateStore::Open(folder);
  const std::string whole = WritePerformance(Kept());
  for (const std::string& damaged :
       {std::string("no JSON"), std::string("[]"),
        whole.substr(0, whole.size() / 2), std::string(R"({"foo":1})"),
        std::string(R"({"models":[{"model":"m","foo":1}]})"),
        std::string(R"({"models":[{"model":"m","hours":[[500000,1]]}]})"),
        std::string(R"({"models":[{"model":"m","hours":[[1,2,3,4,5,6,7]]}]})"),
        std::string(R"({"models":[{"model":"m","recent_failures":-1}]})")}) {
    std::ofstream(folder + "/model_performance.json") << damaged;
    ModelPerformance performance(1);
    RestorePerformance(*store, kHourStart, &performance);
    EXPECT_TRUE(performance.Keep(kHourStart).empty()) << damaged;
    EXPECT_EQ(*store->Read(kPerformanceDocument), std::nullopt) << damaged;
  }
  ModelPerformance performance(1);
  std::ofstream(folder + "/model_performance.json") << whole;
  RestorePerformance(*store, kHourStart, &performance);
  EXPECT_EQ(performance.HistoryOf("m \"1\"")->Read(kHourStart).calls(), 3);
}

TEST(PerformanceDocumentTest, WithoutAStoreThereIsNothing) {
  ModelPerformance performance(1);
  StateStore forgetful;
  RestorePerformance(forgetful, kHourStart, &performance);
  EXPECT_TRUE(performance.Keep(kHourStart).empty());
}

}  // namespace
}  // namespace gateway
