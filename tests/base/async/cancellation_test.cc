#include "base/async/cancellation.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

const absl::Status& Why() {
  static const auto* const why = new absl::Status(absl::AbortedError("why"));
  return *why;
}

TEST(CancellationTest, TellsAllListenersOnce) {
  CancelSignal signal;
  int told = 0;
  CancelListener first(signal, [&] { ++told; });
  CancelListener second(signal, [&] { ++told; });
  EXPECT_FALSE(signal.cancelled());
  EXPECT_TRUE(signal.status().ok());
  signal.Cancel(Why());
  EXPECT_EQ(told, 2);
  EXPECT_TRUE(signal.cancelled());
  signal.Cancel(absl::InternalError("later"));
  EXPECT_EQ(told, 2);
  EXPECT_EQ(signal.status(), Why());
}

TEST(CancellationTest, TellsALateListenerAtOnce) {
  CancelSignal signal;
  signal.Cancel(Why());
  bool told = false;
  CancelListener listener(signal, [&] { told = true; });
  EXPECT_TRUE(told);
}

TEST(CancellationTest, DoesNotTellWhoHasStoppedListening) {
  CancelSignal signal;
  std::vector<int> told;
  CancelListener first(signal, [&] { told.push_back(1); });
  {
    CancelListener second(signal, [&] { told.push_back(2); });
    CancelListener third(signal, [&] { told.push_back(3); });
  }
  CancelListener fourth(signal, [&] { told.push_back(4); });
  signal.Cancel(Why());
  EXPECT_EQ(told.size(), 2u);
}

TEST(CancellationTest, AListenerMayRemoveItselfAndOthers) {
  CancelSignal signal;
  int told = 0;
  std::unique_ptr<CancelListener> listeners[3];
  for (std::unique_ptr<CancelListener>& listener : listeners) {
    listener = std::make_unique<CancelListener>(signal, [&] {
      ++told;
      for (std::unique_ptr<CancelListener>& other : listeners) other.reset();
    });
  }
  signal.Cancel(Why());
  EXPECT_EQ(told, 1);
}

TEST(CancellationTest, AListenerMayAddAnother) {
  CancelSignal signal;
  bool told = false;
  std::optional<CancelListener> late;
  CancelListener listener(signal, [&] {
    late.emplace(signal, [&] { told = true; });
  });
  signal.Cancel(Why());
  EXPECT_TRUE(told);
}

TEST(CancellationTest, AListenerMayCancelAgain) {
  CancelSignal signal;
  int told = 0;
  CancelListener first(signal, [&] { ++told; });
  CancelListener second(signal, [&] {
    ++told;
    signal.Cancel(absl::InternalError("again"));
  });
  signal.Cancel(Why());
  EXPECT_EQ(told, 2);
  EXPECT_EQ(signal.status(), Why());
}

TEST(CancellationTest, AListenerMayOutliveTheSignal) {
  std::optional<CancelSignal> signal(std::in_place);
  CancelListener listener(*signal, [] { ADD_FAILURE(); });
  signal.reset();
}

}  // namespace
}  // namespace gateway
