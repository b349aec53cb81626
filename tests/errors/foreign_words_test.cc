#include "errors/foreign_words.h"

#include <optional>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(ForeignWordsTest, TheyStayAsAFaultIsWrapped) {
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_INVALID_REQUEST, "400: no such thing");
  EXPECT_EQ(FindForeignWords(fault, ForeignWords::kOfProvider), std::nullopt);
  MarkForeignWords(fault, ForeignWords::kOfProvider, "no such thing");
  fault = AtPlace("acme", fault);
  EXPECT_EQ(FindForeignWords(fault, ForeignWords::kOfProvider),
            "no such thing");
  EXPECT_EQ(FindForeignWords(fault, ForeignWords::kOfAnswer), std::nullopt);
  absl::Status other = MakeFault(v1::ERROR_REASON_STREAM_INTERRUPTED,
                                 "broke off: acme: 400: no such thing");
  KeepForeignWords(fault, other);
  EXPECT_EQ(FindForeignWords(other, ForeignWords::kOfProvider),
            "no such thing");
}

TEST(ForeignWordsTest, TheyDoNotGoOverTheWire) {
  absl::Status fault = MakeFault(v1::ERROR_REASON_INVALID_REQUEST, "no");
  const int details = ToRpcStatus(fault).details_size();
  MarkForeignWords(fault, ForeignWords::kOfProvider, "no");
  EXPECT_EQ(ToRpcStatus(fault).details_size(), details);
}

TEST(ForeignWordsTest, WhatIsWellHasNone) {
  absl::Status fine;
  MarkForeignWords(fine, ForeignWords::kOfAnswer, "well");
  EXPECT_TRUE(fine.ok());
  EXPECT_EQ(FindForeignWords(fine, ForeignWords::kOfAnswer), std::nullopt);
}

}  // namespace
}  // namespace gateway
