// StreamFeed answers an rpc that watches calls: a message for each event of the
// feed, in turns with all else on its loop, until the caller leaves or the feed
// is closed. A caller who reads too slowly loses events, as RequestFeed says.
//
//   co_return co_await StreamFeed(feed, filter, FillUsageEvent, call, writer);

#ifndef SERVICE_API_FEED_STREAM_H_
#define SERVICE_API_FEED_STREAM_H_

#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "service/api/call_context.h"
#include "service/api/metrics_view.h"
#include "service/api/watcher.h"
#include "service/observability/request_feed.h"

namespace gateway {

// `fill` is called with an empty message. The faults are those of FeedRefusal
// and FeedClosed, and that of a call that is cancelled.
template <typename Message>
Task<absl::Status> StreamFeed(RequestFeed& feed, FeedFilter filter,
                              void (*fill)(const FeedEvent& event,
                                           Message* message),
                              CallContext& call, MessageWriter& writer) {
  constexpr int kEventsPerTurn = 64;
  const auto watcher = std::make_shared<Watcher>(call.loop());
  absl::StatusOr<std::unique_ptr<RequestFeed::Subscription>> subscription =
      feed.Subscribe(std::move(filter), [watcher] { watcher->Tell(); });
  if (!subscription.ok()) co_return FeedRefusal(subscription.status());
  CancelListener end(call.cancel(), [&] { watcher->wake_up().Set(); });
  Message message;
  int sent_this_turn = 0;
  while (!call.cancel().cancelled()) {
    // Read before Take, so that what was published before the closing is still
    // sent.
    const bool closed = (*subscription)->closed();
    const std::optional<FeedEvent> event = (*subscription)->Take();
    if (!event.has_value()) {
      if (closed) co_return FeedClosed();
      co_await watcher->wake_up().Wait();
      sent_this_turn = 0;
      continue;
    }
    message.Clear();
    fill(*event, &message);
    const bool written = co_await writer.Write(message);
    if (!written) break;
    if (++sent_this_turn == kEventsPerTurn) {
      sent_this_turn = 0;
      co_await YieldToLoop();
    }
  }
  co_return call.cancel().status();
}

}  // namespace gateway

#endif  // SERVICE_API_FEED_STREAM_H_
