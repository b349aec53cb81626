#include "base/net/resolver.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

absl::StatusOr<IpAddresses> Numbered(uint32_t number) {
  IpAddress address;
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  v4->sin_family = AF_INET;
  v4->sin_addr.s_addr = htonl(number);
  address.size = sizeof(sockaddr_in);
  return IpAddresses{address};
}

uint32_t NumberOf(const absl::StatusOr<IpAddresses>& found) {
  if (!found.ok() || found->size() != 1) return 0;
  const auto* const v4 =
      reinterpret_cast<const sockaddr_in*>(&found->front().storage);
  return ntohl(v4->sin_addr.s_addr);
}

Task<absl::StatusOr<IpAddresses>> Resolve(Resolver* resolver,
                                          std::string host) {
  LoopResolver names(*resolver);
  WakeUp interrupt;
  co_return co_await names.Resolve(std::move(host), interrupt);
}

TEST(ResolverTest, TakesNumbersAtTheirWord) {
  LoopRunner runner;
  Resolver resolver([](const std::string&) {
    ADD_FAILURE() << "a number needs no look-up";
    return Numbered(1);
  });
  EXPECT_EQ(NumberOf(runner.Run(Resolve(&resolver, "127.0.0.1"))),
            INADDR_LOOPBACK);
  const auto v6 = runner.Run(Resolve(&resolver, "::1"));
  ASSERT_TRUE(v6.ok());
  EXPECT_EQ(v6->front().storage.ss_family, AF_INET6);
}

TEST(ResolverTest, AsksTheSystem) {
  LoopRunner runner;
  Resolver resolver;
  const auto found = runner.Run(Resolve(&resolver, "localhost"));
  EXPECT_TRUE(found.ok()) << found.status();
  const auto missing = runner.Run(Resolve(&resolver, "no..name"));
  EXPECT_TRUE(absl::IsUnavailable(missing.status())) << missing.status();
}

Task<void> AskMany(Resolver* resolver, std::atomic<int>* asked) {
  LoopResolver names(*resolver);
  int answers = 0;
  WakeUp all;
  for (int i = 0; i < 10; ++i) {
    Spawn([](LoopResolver& names, int& answers, WakeUp& all) -> Task<void> {
      WakeUp interrupt;
      const auto found = co_await names.Resolve("name.test", interrupt);
      EXPECT_EQ(NumberOf(found), 7u);
      if (++answers == 10) all.Set();
    }(names, answers, all));
  }
  co_await all.Wait();
  EXPECT_EQ(asked->load(), 1);
  WakeUp interrupt;
  const auto again = co_await names.Resolve("name.test", interrupt);
  EXPECT_EQ(NumberOf(again), 7u);
  EXPECT_EQ(asked->load(), 1);
  static_cast<void>(co_await names.Resolve("other.test", interrupt));
  EXPECT_EQ(asked->load(), 2);
}

TEST(ResolverTest, SharesAndKeepsAnswers) {
  LoopRunner runner;
  std::atomic<int> asked = 0;
  Resolver resolver([&](const std::string&) {
    ++asked;
    return Numbered(7);
  });
  runner.Run(AskMany(&resolver, &asked));
}

TEST(ResolverTest, KeepsFailuresForAWhileToo) {
  LoopRunner runner;
  std::atomic<int> asked = 0;
  Resolver resolver([&](const std::string&) {
    ++asked;
    return absl::StatusOr<IpAddresses>(absl::UnavailableError("no"));
  });
  runner.Run([](Resolver* resolver) -> Task<void> {
    LoopResolver names(*resolver);
    for (int i = 0; i < 2; ++i) {
      WakeUp interrupt;
      const auto found = co_await names.Resolve("name.test", interrupt);
      EXPECT_EQ(found.status(), absl::UnavailableError("no"));
    }
  }(&resolver));
  EXPECT_EQ(asked.load(), 1);
}

Task<void> Interrupt(Resolver* resolver, Event* begun, Event* over) {
  LoopResolver names(*resolver);
  WakeUp interrupt;
  EventLoop& loop = *EventLoop::Current();
  loop.Post([&] {
    EXPECT_TRUE(begun->Wait());
    interrupt.Set();
  });
  const auto found = co_await names.Resolve("slow.test", interrupt);
  EXPECT_TRUE(absl::IsCancelled(found.status())) << found.status();

  // A slow name holds up no other.
  WakeUp calm;
  const auto other = co_await names.Resolve("fast.test", calm);
  EXPECT_EQ(NumberOf(other), 9u);
  over->Set();
}

TEST(ResolverTest, ASlowNameCanBeInterruptedAndHoldsUpNoOther) {
  LoopRunner runner;
  Event begun;
  Event over;
  Resolver resolver([&](const std::string& host) {
    if (host != "slow.test") return Numbered(9);
    begun.Set();
    EXPECT_TRUE(over.Wait());
    return Numbered(8);
  });
  runner.Run(Interrupt(&resolver, &begun, &over));
}

Task<void> AskAndGo(Resolver* resolver) {
  LoopResolver names(*resolver);
  WakeUp interrupt;
  interrupt.Set();
  const auto found = co_await names.Resolve("slow.test", interrupt);
  EXPECT_TRUE(absl::IsCancelled(found.status()));
}

TEST(ResolverTest, AnswersThatComeAfterTheLoopHarmNobody) {
  Event over;
  Resolver resolver([&](const std::string&) {
    EXPECT_TRUE(over.Wait());
    return Numbered(8);
  });
  {
    LoopRunner runner;
    runner.Run(AskAndGo(&resolver));
  }
  over.Set();
}

Task<void> Yield() { co_await YieldToLoop(); }

TEST(ResolverTest, AnswersThatAreDeliveredTooLateHarmNobody) {
  LoopRunner runner;
  Event asked;
  {
    Resolver resolver([&](const std::string&) {
      asked.Set();
      return Numbered(8);
    });
    runner.Run(AskAndGo(&resolver));
    EXPECT_TRUE(asked.Wait());
  }
  runner.Run(Yield());
}

IpAddress Address(int family, uint8_t last_byte) {
  IpAddress address;
  address.storage.ss_family = static_cast<sa_family_t>(family);
  address.size = sizeof(sockaddr_storage);
  const_cast<char*>(address.Bytes().data())[3] = static_cast<char>(last_byte);
  return address;
}

// What Order makes of so many addresses of each family, those that are bad
// among them named by their numbers.
Task<std::vector<std::string>> Ordered(Resolver* resolver, int sixes,
                                       int fours,
                                       std::vector<IpAddress> bad) {
  LoopResolver names(*resolver);
  IpAddresses addresses;
  for (int i = 0; i < sixes; ++i) {
    addresses.push_back(Address(AF_INET6, static_cast<uint8_t>(i)));
  }
  for (int i = 0; i < fours; ++i) {
    addresses.push_back(Address(AF_INET, static_cast<uint8_t>(i)));
  }
  for (const IpAddress& each : bad) names.MarkBad(each);
  names.MarkGood(Address(AF_INET6, 1));
  names.Order(&addresses);
  std::vector<std::string> order;
  for (const IpAddress& each : addresses) {
    order.push_back((each.storage.ss_family == AF_INET6 ? "six" : "four") +
                    std::to_string(each.Bytes()[3]));
  }
  co_return order;
}

TEST(ResolverTest, FamiliesTakeTurnsAndWhatWasBadComesLast) {
  using testing::ElementsAre;
  LoopRunner runner;
  Resolver resolver([](const std::string&) { return Numbered(1); });
  EXPECT_THAT(runner.Run(Ordered(&resolver, 3, 2, {})),
              ElementsAre("six0", "four0", "six1", "four1", "six2"));
  EXPECT_THAT(runner.Run(Ordered(&resolver, 1, 3, {})),
              ElementsAre("six0", "four0", "four1", "four2"));
  // One of them has been good since.
  EXPECT_THAT(runner.Run(Ordered(
                  &resolver, 2, 2,
                  {Address(AF_INET6, 0), Address(AF_INET6, 1)})),
              ElementsAre("four0", "six1", "four1", "six0"));
}

}  // namespace
}  // namespace gateway
