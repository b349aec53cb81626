#include "service/pipeline/refusal_count.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"
#include "service/identity/caller.h"
#include "tests/service/pipeline/planned_call.h"

namespace gateway {
namespace {

class RefusalCountTest : public PlannedCallTest {
 protected:
  void IsOf(std::string_view id) {
    auto caller = std::make_shared<Caller>();
    caller->id = std::string(id);
    caller->method = CallerMethod::kConfiguredKey;
    call_.caller = std::move(caller);
  }
  // How many of so many refusals are told of, within one turn of the loop.
  int Take(int refusals) {
    int told = 0;
    for (int i = 0; i < refusals; ++i) {
      told += count_.Take(call_, {.of_caller = 1, .of_unknown = 3}, &others_);
    }
    return told;
  }

  RefusalCount count_;
  int64_t others_ = 0;
};

TEST_F(RefusalCountTest, EachCallerHasItsOwn) {
  IsOf("mallory");
  EXPECT_EQ(Take(100), 10);
  IsOf("alice");
  EXPECT_EQ(Take(5), 5);
}

TEST_F(RefusalCountTest, AllWhoAreNotKnownHaveOneTogether) {
  call_.caller = UnknownCaller();
  EXPECT_EQ(Take(100), 3);
  call_.facts.peer = "203.0.113.7:1";
  EXPECT_EQ(Take(100), 0);
}

TEST_F(RefusalCountTest, WhoNeedsNoKeyIsToldApartByTheAddress) {
  call_.caller = AnonymousCaller();
  call_.facts.peer = "203.0.113.7:1";
  EXPECT_EQ(Take(100), 10);
  call_.facts.peer = "203.0.113.7:2";
  EXPECT_EQ(Take(100), 0);
  call_.facts.peer = "203.0.113.8:1";
  EXPECT_EQ(Take(100), 10);
  call_.facts.peer = "[2001:db8::1]:1";
  EXPECT_EQ(Take(100), 10);
  call_.facts.peer = "[2001:db8::2]:1";
  EXPECT_EQ(Take(100), 0);
}

}  // namespace
}  // namespace gateway
