#include "service/resilience/provider_board.h"

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "errors/fault.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr absl::Duration kBoardNow = absl::Hours(1);

TEST(ProviderBoardTest, AsManyAreUnderWayAsTheLimitLets) {
  ProviderBoard board;
  ProviderLoad& load = *board.LoadOf("p");
  std::optional<ProviderPlace> first = load.TryEnter(2);
  const std::optional<ProviderPlace> second = load.TryEnter(2);
  EXPECT_TRUE(second.has_value());
  EXPECT_FALSE(load.TryEnter(2).has_value());
  EXPECT_TRUE(load.TryEnter(3).has_value()) << "and has gone at once";
  EXPECT_EQ(load.in_flight(), 2);
  first.reset();
  EXPECT_EQ(load.in_flight(), 1);
  EXPECT_TRUE(load.TryEnter(2).has_value());
}

TEST(ProviderBoardTest, APlaceThatIsMovedCountsOnce) {
  ProviderBoard board;
  ProviderLoad& load = *board.LoadOf("p");
  {
    std::optional<ProviderPlace> first = load.TryEnter(2);
    ProviderPlace moved = std::move(*first);
    ProviderPlace assigned;
    assigned = std::move(moved);
    EXPECT_EQ(load.in_flight(), 1);
  }
  EXPECT_EQ(load.in_flight(), 0);
}

TEST(ProviderBoardTest, EachProviderHasItsOwnWhichStays) {
  ProviderBoard board;
  const std::optional<ProviderPlace> place = board.LoadOf("p")->TryEnter(1);
  EXPECT_EQ(board.LoadOf("q")->in_flight(), 0);
  EXPECT_EQ(board.LoadOf("p")->in_flight(), 1);
}

TEST(ProviderBoardTest, AConfigurationTakesOverWhatIsKnownOfCredentials) {
  ProviderBoard board;
  EXPECT_EQ(board.CredentialsOf("p"), nullptr);
  const std::shared_ptr<CredentialPool> before =
      board.MakeCredentials("p", {{"a"}, {"b"}}, {});
  board.UseCredentials("p", before);
  before->Record(0, kBoardNow,
                 MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, ""));
  const std::shared_ptr<CredentialPool> after =
      board.MakeCredentials("p", {{"a"}}, {});
  EXPECT_EQ(board.CredentialsOf("p"), before);
  board.UseCredentials("p", after);
  EXPECT_EQ(board.CredentialsOf("p"), after);
  EXPECT_FALSE(after->HasUsable(kBoardNow));
  board.ResetCredentials("other");
  EXPECT_FALSE(after->HasUsable(kBoardNow));
  board.ResetCredentials("p");
  EXPECT_TRUE(after->HasUsable(kBoardNow));
  EXPECT_EQ(board.MakeCredentials("p", {}, {}), nullptr);
  board.UseCredentials("p", nullptr);
  EXPECT_EQ(board.CredentialsOf("p"), nullptr);
}

TEST(ProviderBoardTest, WhatIsNotKeptBeginsAnewAndStaysForWhoHasIt) {
  ProviderBoard board;
  const std::shared_ptr<ProviderLoad> load = board.LoadOf("p");
  const std::optional<ProviderPlace> place = load->TryEnter(1);
  const std::shared_ptr<ProviderLoad> of_model = board.LoadOf("p", "m");
  const std::shared_ptr<ProviderLoad> kept = board.LoadOf("q", "m");
  board.UseCredentials("p", board.MakeCredentials("p", {{"a"}}, {}));
  board.Keep([](std::string_view name) { return name == "q"; });
  EXPECT_EQ(board.CredentialsOf("p"), nullptr);
  EXPECT_EQ(board.LoadOf("q", "m"), kept);
  EXPECT_NE(board.LoadOf("p"), load);
  EXPECT_NE(board.LoadOf("p", "m"), of_model);
  EXPECT_EQ(load->in_flight(), 1);
}

}  // namespace
}  // namespace gateway
