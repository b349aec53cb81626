#include "service/api/price_view.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/pricing.pb.h"
#include "service/money/price_lines.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::HasSubstr;

v1::ModelPrice PriceMessage(const char* text) {
  v1::ModelPrice price;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &price));
  return price;
}

PriceEntry EntryFrom(absl::Time time) {
  PriceEntry entry = ReadPriceLines("openai ft:a/b* in 1 out 2")->at(0);
  entry.effective_time = time;
  return entry;
}

TEST(PriceViewTest, EachFieldAtFaultIsNamed) {
  const absl::Status fault =
      ReadPrice(PriceMessage("model: 'a b' steps: {input: 'x' output: '1'}"))
          .status();
  EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_THAT(fault.ToString(), HasSubstr("price.model"));
  EXPECT_THAT(fault.ToString(), HasSubstr("price.steps[0].input"));
  // What is taken back has no steps.
  EXPECT_TRUE(ReadNamedPrice(PriceMessage("model: 'm'")).ok());
  EXPECT_FALSE(ReadPrice(PriceMessage("model: 'm'")).ok());
}

TEST(PriceViewTest, EachPriceHasANameOfItsOwn) {
  EXPECT_EQ(NameOfPrice(EntryFrom(absl::InfinitePast())),
            "openai/always/ft:a/b*");
  EXPECT_EQ(NameOfPrice(EntryFrom(absl::FromUnixSeconds(1'800'000'000))),
            "openai/2027-01-15T08:00:00Z/ft:a/b*");
  EXPECT_EQ(NameOfPrice(EntryFrom(absl::FromUnixSeconds(1'800'000'000) +
                                  absl::Nanoseconds(50))),
            "openai/2027-01-15T08:00:00.00000005Z/ft:a/b*");
}

TEST(PriceViewTest, WhatIsWrittenIsRead) {
  const PriceEntry entry = EntryFrom(absl::FromUnixSeconds(1'800'000'000));
  const std::string item = WritePriceItem(entry);
  const auto read = ReadPriceItem(item);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(NameOfPrice(*read), NameOfPrice(entry));
  EXPECT_EQ(WritePriceItem(*read), item);

  const PriceList list =
      *PriceList::Make({entry, EntryFrom(absl::InfinitePast())});
  const auto again = ReadPrices(WritePrices(&list));
  ASSERT_TRUE(again.ok()) << again.status();
  ASSERT_EQ(again->entries().size(), 2u);
  EXPECT_EQ(WritePrices(&*again), WritePrices(&list));
  EXPECT_TRUE(ReadPrices(WritePrices(nullptr))->entries().empty());
  for (const char* other : {"", "[]", "{\"prices\":[{}]}", "{\"price\":[]}"}) {
    EXPECT_FALSE(ReadPrices(other).ok()) << other;
  }
}

}  // namespace
}  // namespace gateway
