#include "service/tracing/span_queue.h"

#include <vector>

#include "gtest/gtest.h"
#include "tests/service/tracing/traced_calls.h"

namespace gateway {
namespace {

KeptTraceRef WithSpans(int count) {
  TestCall call;
  for (int i = 1; i < count; ++i) call.AddAttempt("openai", "gpt-x");
  return call.kept();
}

int SpansIn(const std::vector<KeptTraceRef>& batch) {
  int spans = 0;
  for (const KeptTraceRef& each : batch) spans += each->span_count;
  return spans;
}

TEST(SpanQueueTest, GivesBatchesInOrder) {
  SpanQueue queue({.spans_max = 100, .batch_spans = 4});
  const KeptTraceRef first = WithSpans(2);
  queue.Add(first);
  EXPECT_FALSE(queue.has_batch());
  queue.Add(WithSpans(1));
  queue.Add(WithSpans(2));
  EXPECT_TRUE(queue.has_batch());
  EXPECT_EQ(queue.waiting(), 5u);
  const std::vector<KeptTraceRef> batch = queue.Take();
  EXPECT_EQ(batch.front(), first);
  EXPECT_EQ(SpansIn(batch), 3);  // The next would not fit.
  EXPECT_EQ(SpansIn(queue.Take()), 2);
  EXPECT_TRUE(queue.Take().empty());
  EXPECT_EQ(queue.waiting(), 0u);
}

TEST(SpanQueueTest, WhatDoesNotFitIsDroppedAndCounted) {
  SpanQueue queue({.spans_max = 5, .batch_spans = 5});
  queue.Add(WithSpans(3));
  queue.Add(WithSpans(3));
  EXPECT_EQ(queue.dropped(), 3);
  queue.Add(WithSpans(2));
  EXPECT_EQ(queue.waiting(), 5u);
  queue.Add(WithSpans(1));
  EXPECT_EQ(queue.dropped(), 4);
  EXPECT_EQ(SpansIn(queue.Take()), 5);
  queue.Add(WithSpans(1));
  EXPECT_EQ(queue.waiting(), 1u);
}

TEST(SpanQueueTest, ATraceThatIsLargerThanABatchGoesAlone) {
  SpanQueue queue({.spans_max = 100, .batch_spans = 2});
  queue.Add(WithSpans(5));
  queue.Add(WithSpans(1));
  EXPECT_EQ(SpansIn(queue.Take()), 5);
  EXPECT_EQ(SpansIn(queue.Take()), 1);
}

TEST(SpanQueueTest, WakesItsReaderOnceForABatch) {
  SpanQueue queue({.spans_max = 100, .batch_spans = 2});
  int woken = 0;
  queue.SetWakeUp([&woken] { ++woken; });
  queue.Add(WithSpans(1));
  EXPECT_EQ(woken, 0);
  queue.Add(WithSpans(1));
  queue.Add(WithSpans(1));
  EXPECT_EQ(woken, 1);
  queue.Take();
  queue.Add(WithSpans(1));
  EXPECT_EQ(woken, 2);
  queue.SetWakeUp(nullptr);
  queue.Take();
  queue.Add(WithSpans(2));
  EXPECT_EQ(woken, 2);
}

}  // namespace
}  // namespace gateway
