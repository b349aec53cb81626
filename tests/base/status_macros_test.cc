#include "base/status_macros.h"

#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

absl::Status Broken() { return absl::DataLossError("torn"); }

// A coroutine that runs at once and keeps what it returned.
template <typename T>
struct Ran {
  struct promise_type {
    Ran get_return_object() { return Ran{result}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_value(T value) { *result = std::move(value); }
    void unhandled_exception() { FAIL(); }

    std::shared_ptr<std::optional<T>> result =
        std::make_shared<std::optional<T>>();
  };

  std::shared_ptr<std::optional<T>> result;
};

TEST(StatusMacrosTest, AnErrorReturnsAndOkGoesOn) {
  const auto run = [](absl::Status status) -> absl::Status {
    GATEWAY_RETURN_IF_ERROR(status);
    return absl::CancelledError("went on");
  };
  EXPECT_EQ(run(Broken()), Broken());
  EXPECT_EQ(run(absl::OkStatus()), absl::CancelledError("went on"));
}

TEST(StatusMacrosTest, AnErrorBecomesAStatusOr) {
  const auto run = [](absl::Status status) -> absl::StatusOr<int> {
    GATEWAY_RETURN_IF_ERROR(status);
    return 7;
  };
  EXPECT_EQ(run(Broken()).status(), Broken());
  EXPECT_EQ(*run(absl::OkStatus()), 7);
}

TEST(StatusMacrosTest, ReturnIfErrorIsOneStatement) {
  const auto run = [](bool checks) -> absl::Status {
    if (checks)
      GATEWAY_RETURN_IF_ERROR(Broken());
    else
      return absl::CancelledError("else of the outer if");
    return absl::OkStatus();
  };
  EXPECT_EQ(run(true), Broken());
  EXPECT_EQ(run(false), absl::CancelledError("else of the outer if"));
}

TEST(StatusMacrosTest, AssignsDeclaresAndMoves) {
  const auto make =
      [](bool works) -> absl::StatusOr<std::unique_ptr<std::string>> {
    if (!works) return Broken();
    return std::make_unique<std::string>("owned");
  };
  const auto run = [&](bool works) -> absl::StatusOr<std::string> {
    std::unique_ptr<std::string> assigned;
    GATEWAY_ASSIGN_OR_RETURN(assigned, make(true));
    GATEWAY_ASSIGN_OR_RETURN(const auto declared, make(works));
    return *assigned + *declared;
  };
  EXPECT_EQ(*run(true), "ownedowned");
  EXPECT_EQ(run(false).status(), Broken());
}

TEST(StatusMacrosTest, CommasAreAllowedOnBothSides) {
  const auto run = []() -> absl::StatusOr<int> {
    GATEWAY_ASSIGN_OR_RETURN(
        (const auto [first, second]),
        absl::StatusOr<std::pair<int, int>>(std::pair<int, int>(3, 4)));
    return first * 10 + second;
  };
  EXPECT_EQ(*run(), 34);
}

TEST(StatusMacrosTest, CoroutinesReturnEarlyToo) {
  const auto check = [](absl::Status status) -> Ran<absl::Status> {
    GATEWAY_CO_RETURN_IF_ERROR(status);
    co_return absl::CancelledError("went on");
  };
  EXPECT_EQ(**check(Broken()).result, Broken());
  EXPECT_EQ(**check(absl::OkStatus()).result, absl::CancelledError("went on"));

  const auto add = [](absl::StatusOr<int> a) -> Ran<absl::StatusOr<int>> {
    GATEWAY_CO_ASSIGN_OR_RETURN(const int value, std::move(a));
    co_return value + 1;
  };
  EXPECT_EQ(***add(1).result, 2);
  EXPECT_EQ((*add(Broken()).result)->status(), Broken());
}

}  // namespace
}  // namespace gateway
