#include "clients/cli/ledger_reprice.h"

#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/answer_text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/pricing.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// An EXCHANGE; gpt-4o costs $2.50 and $10 for a million tokens.
std::string ExchangeLine(const char* id, const std::string& gateway) {
  return absl::StrCat(
      R"({"decision": "SUCCESS", "event_type": "EXCHANGE", "id": ")", id,
      R"(", "metadata": {"gateway": )", gateway,
      R"(, "model_id": "gpt-4o"}, "timestamp": )",
      "\"2026-11-22T10:00:00.123456+00:00\"}\n");
}

std::string Consumed(int64_t nanos, const char* usage,
                     const char* more = R"("service_tier": "")") {
  return absl::StrCat(R"({"cost_known": true, "cost_usd_nanos": )", nanos,
                      R"(, "estimated": false, "priced_as": "openai", )", more,
                      R"(, "usage": {)", usage, "}}");
}

std::string WriteLedger(const std::string& name, const std::string& lines) {
  const std::string path = absl::StrCat(testing::TempDir(), "/", name);
  std::ofstream(path) << lines;
  return path;
}

absl::StatusOr<LedgerReport> Reprice(const std::string& path,
                                     bool as_json = false,
                                     const std::string& prices = "") {
  OperatorWords words = {.words = {"reprice", path}, .as_json = as_json};
  if (!prices.empty()) words.flags = {{"--prices", prices}};
  const auto listing = PricesToRepriceBy(words);
  if (!listing.ok()) return listing.status();
  return RepriceLedger(words, *listing);
}

TEST(LedgerRepriceTest, AgreesToTheNanoDollar) {
  const std::string path = WriteLedger(
      "agrees.jsonl",
      absl::StrCat(
          ExchangeLine("LED-1", Consumed(12'500, R"("input_tokens": 1, )"
                                                 R"("output_tokens": 1)")),
          ExchangeLine("LED-2", Consumed(1'250, R"("cached_input_tokens": 1, )"
                                                R"("input_tokens": 1)")),
          ExchangeLine("LED-3", Consumed(0, "")),
          "{\"event_type\": \"DISPATCH\", \"metadata\": {}}\n",
          "{\"event_type\": \"EXCHANGE\", \"metadata\": {}}\n"));
  const auto report = Reprice(path);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->valid) << report->text;
  EXPECT_THAT(report->text,
              AllOf(HasSubstr("openai     gpt-4o  3"), HasSubstr("0.00001375"),
                    HasSubstr("1 exchanges do not say"), HasSubstr("agrees"),
                    Not(HasSubstr("DIFFERS"))));
}

TEST(LedgerRepriceTest, WhatWasSoundOrImagesHasItsOwnPrice) {
  v1::ListPricingResponse listing;
  v1::ModelPrice& price = *listing.add_prices();
  price.set_model("gpt-4o");
  price.set_source(v1::ModelPrice::SOURCE_OPERATOR);
  v1::PriceStep& step = *price.add_steps();
  step.set_input("1");
  step.set_output("2");
  step.set_audio_input("10");
  step.set_audio_output("20");
  step.set_image_input("100");
  step.set_image_output("200");
  const std::string prices = WriteLedger("media_prices.json", AsJson(listing));
  // 1 + 10 + 100 of input, and 2 + 20 + 200 of output, a thousandth each.
  const std::string path = WriteLedger(
      "media.jsonl",
      ExchangeLine("LED-1", Consumed(333'000, R"("audio_input_tokens": 1, )"
                                              R"("audio_output_tokens": 1, )"
                                              R"("image_input_tokens": 1, )"
                                              R"("image_output_tokens": 1, )"
                                              R"("input_tokens": 3, )"
                                              R"("output_tokens": 3)")));
  const auto report = Reprice(path, false, prices);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->valid) << report->text;
}

TEST(LedgerRepriceTest, SaysWhichDiffersAndByHowMuch) {
  const std::string path = WriteLedger(
      "differs.jsonl",
      absl::StrCat(
          ExchangeLine("LED-good", Consumed(2'500, "\"input_tokens\": 1")),
          ExchangeLine("LED-bad", Consumed(2'501, "\"input_tokens\": 1")),
          ExchangeLine("LED-tier", Consumed(2'500, "\"input_tokens\": 1",
                                            R"("service_tier": "batch")"))));
  const auto report = Reprice(path);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_FALSE(report->valid);
  EXPECT_THAT(report->text,
              AllOf(HasSubstr("LED-bad, openai/gpt-4o: recorded 0.000002501, "
                              "by its tokens 0.0000025, -0.000000001"),
                    HasSubstr("LED-tier"), Not(HasSubstr("LED-good")),
                    HasSubstr("DOES NOT AGREE")));
  const auto json = Reprice(path, /*as_json=*/true);
  ASSERT_TRUE(json.ok());
  EXPECT_THAT(json->text,
              AllOf(HasSubstr("\"agrees\":false"), HasSubstr("\"differ\":2"),
                    HasSubstr("\"recorded_usd_nanos\":7501"),
                    HasSubstr("\"id\":\"LED-bad\"")));
}

TEST(LedgerRepriceTest, PricesMayBeThoseThatAGatewayHasListed) {
  v1::ListPricingResponse listing;
  v1::ModelPrice& price = *listing.add_prices();
  price.set_model("gpt-4o");
  price.set_source(v1::ModelPrice::SOURCE_OPERATOR);
  price.add_steps()->set_input("5");
  price.mutable_steps(0)->set_output("6");
  const std::string prices = WriteLedger("prices.json", AsJson(listing));
  const std::string path = WriteLedger(
      "other.jsonl",
      ExchangeLine("LED-1", Consumed(5'000, "\"input_tokens\": 1")));
  EXPECT_FALSE(Reprice(path)->valid);
  const auto report = Reprice(path, false, prices);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->valid) << report->text;

  price.mutable_steps(0)->set_input("five");
  const std::string wrong = WriteLedger("wrong.json", AsJson(listing));
  EXPECT_THAT(Reprice(path, false, wrong).status().ToString(),
              HasSubstr("prices[0].steps[0].input: must be dollars"));
  EXPECT_THAT(Reprice(path, false, path).status().ToString(),
              HasSubstr("--prices names"));
}

TEST(LedgerRepriceTest, AGatewaysEntriesAreRepricedAsAFilesAre) {
  const std::vector<std::string> lines = {
      ExchangeLine("LED-1", Consumed(12'500, R"("input_tokens": 1, )"
                                             R"("output_tokens": 1)")),
      ExchangeLine("LED-2", Consumed(1, R"("input_tokens": 1)"))};
  const auto listing = PricesToRepriceBy({.words = {"reprice"}});
  ASSERT_TRUE(listing.ok());
  const auto entries = [&](auto visit) {
    for (const std::string& line : lines) visit(line);
    return absl::OkStatus();
  };
  const auto report =
      RepriceEntries({.words = {"reprice"}}, *listing, "host:1", entries);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_FALSE(report->valid);
  EXPECT_THAT(report->text, HasSubstr("DIFFERS  host:1, LED-2, openai/gpt-4o"));
  const auto gone = [](auto) { return absl::UnavailableError("gone"); };
  EXPECT_TRUE(absl::IsUnavailable(
      RepriceEntries({.words = {"reprice"}}, *listing, "host:1", gone)
          .status()));
}

TEST(LedgerRepriceTest, OnlyAGatewaysEntriesAreChosen) {
  EXPECT_TRUE(RepricesGateway({.words = {"reprice"}}));
  EXPECT_FALSE(RepricesGateway({.words = {"reprice", "x.db"}}));
  EXPECT_TRUE(
      CheckReprice({.words = {"reprice"}, .flags = {{"--since", "1h"}}}).ok());
  EXPECT_THAT(
      CheckReprice({.words = {"reprice", "x.db"}, .flags = {{"--since", "1h"}}})
          .ToString(),
      HasSubstr("--since is for a gateway's ledger"));
}

TEST(LedgerRepriceTest, WhatCannotBeReadIsNamed) {
  EXPECT_FALSE(RepriceLedger({.words = {"reprice"}}, {}).ok());
  const std::string path = WriteLedger("broken.jsonl", "{\"id\": \n");
  EXPECT_THAT(Reprice(path).status().ToString(),
              HasSubstr("broken.jsonl, entry 1"));
}

}  // namespace
}  // namespace gateway
