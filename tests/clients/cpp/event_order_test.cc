#include "clients/cpp/event_order.h"

#include <cstdint>
#include <string>

#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

std::string Add(EventOrder& order, int64_t seq, bool is_end = false) {
  llmgateway::v1::GenerateEvent event;
  event.set_seq(seq);
  if (is_end) event.mutable_end();
  return order.Add(event);
}

TEST(EventOrderTest, CountsFromOneWithoutGaps) {
  EventOrder order;
  EXPECT_EQ(order.last_seq(), 0);
  EXPECT_EQ(Add(order, 0), "event 0 has come in place of 1");
  EXPECT_EQ(Add(order, 2), "event 2 has come in place of 1");
  EXPECT_EQ(Add(order, 1), "");
  EXPECT_EQ(Add(order, 1), "event 1 has come in place of 2");
  EXPECT_EQ(Add(order, 2), "");
  EXPECT_EQ(Add(order, 4), "event 4 has come in place of 3");
  EXPECT_EQ(order.last_seq(), 2);
}

TEST(EventOrderTest, NothingComesBehindTheEnd) {
  EventOrder order;
  EXPECT_EQ(Add(order, 1), "");
  EXPECT_EQ(Add(order, 2, /*is_end=*/true), "");
  EXPECT_EQ(Add(order, 3), "event 3 has come behind the end");
  EXPECT_EQ(order.last_seq(), 2);
}

TEST(EventOrderTest, GoesOnBehindAnEvent) {
  EventOrder order(7);
  EXPECT_EQ(order.last_seq(), 7);
  EXPECT_EQ(Add(order, 7), "event 7 has come in place of 8");
  EXPECT_EQ(Add(order, 9), "event 9 has come in place of 8");
  EXPECT_EQ(Add(order, 8), "");
}

TEST(EventOrderTest, OrWithWhateverIsKept) {
  EventOrder order(0);
  EXPECT_EQ(Add(order, 0), "event 0 has come in place of 1");
  EXPECT_EQ(Add(order, 17), "");
  EXPECT_EQ(Add(order, 19), "event 19 has come in place of 18");
  EXPECT_EQ(Add(order, 18), "");
}

}  // namespace
}  // namespace gateway
