// RequestFeed shows what becomes of calls to whoever watches, while it happens.
//
//   RequestFeed feed({});
//   feed.Publish(record);  // On any loop, for each call that has ended.
//   if (feed.progress_watched()) {
//     feed.PublishProgress(FeedEvent::Kind::kStarted, record);
//   }
//
//   absl::StatusOr<std::unique_ptr<RequestFeed::Subscription>> watching =
//       feed.Subscribe({.failures_only = true}, [&] { loop.Post(wake); });
//   while (std::optional<FeedEvent> event = (*watching)->Take()) Send(*event);
//
// Each watcher has a queue of its own. One that is too slow loses the oldest
// events in it, and is told how many. When nobody watches, publishing costs one
// relaxed load.
//
// Thread-safe; a subscription is for one thread at a time.

#ifndef SERVICE_OBSERVABILITY_REQUEST_FEED_H_
#define SERVICE_OBSERVABILITY_REQUEST_FEED_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/os/mutex.h"
#include "service/observability/call_record.h"

namespace gateway {

// Which calls to watch; a call must match all that is set.
struct FeedFilter {
  std::string provider;
  std::string model;  // The name that the caller gave.
  std::string model_served;
  std::string agent_type;
  std::string project_id;
  std::string caller;
  std::string key;  // That the caller has shown.
  bool failures_only = false;
  // Also watch the beginning of calls and their first token; not with
  // failures_only.
  bool progress = false;
  // Also watch what streams that go on have consumed so far.
  bool usage_progress = false;
  // The feed is closed for this watcher as soon as the gateway drains: it is
  // served where that waits for all who are served.
  bool ends_at_drain = false;
};

struct FeedEvent {
  enum class Kind { kStarted, kFirstToken, kUsage, kEnded };

  Kind kind = Kind::kEnded;
  // What is known of the call by then.
  std::shared_ptr<const OwnedCallRecord> call;
  // Counts the events that matched the filter and were lost since the event
  // before.
  int64_t dropped_events = 0;
};

class RequestFeed {
 public:
  struct Options {
    // The most events that are held for each watcher.
    size_t events_limit = 1024;
    size_t watchers_limit = 64;
  };

  // A watcher's end of the feed. Its destructor stops watching. Must not
  // outlive the feed.
  class Subscription {
   public:
    ~Subscription();

    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

    // Returns the next event; nothing if there is none yet.
    std::optional<FeedEvent> Take();

    // True once the feed was closed. What was published before may still be
    // taken.
    bool closed() const;

   private:
    friend class RequestFeed;

    Subscription(RequestFeed& feed, FeedFilter filter,
                 std::function<void()> on_ready);

    RequestFeed& feed_;
    const FeedFilter filter_;
    const std::function<void()> on_ready_;

    // Guarded by the feed's lock.
    std::deque<FeedEvent> events_;
    int64_t dropped_events_ = 0;
  };

  explicit RequestFeed(const Options& options) : options_(options) {}
  ~RequestFeed();

  RequestFeed(const RequestFeed&) = delete;
  RequestFeed& operator=(const RequestFeed&) = delete;

  // Shows a call that has ended to the watchers.
  void Publish(const CallRecord& record) {
    if (watchers_.load(std::memory_order_relaxed) == 0) return;
    PublishToAll(FeedEvent::Kind::kEnded, record);
  }

  // Returns whether any watcher wants to know of calls that have not ended; if
  // not, no record need be made of them.
  bool progress_watched() const {
    return progress_watchers_.load(std::memory_order_relaxed) > 0;
  }

  // The same of what streams have consumed so far.
  bool usage_watched() const {
    return usage_watchers_.load(std::memory_order_relaxed) > 0;
  }

  // Shows a call that goes on to the watchers that want to know.
  void PublishProgress(FeedEvent::Kind kind, const CallRecord& record) {
    PublishToAll(kind, record);
  }

  // Begins to watch. `on_ready` is called, on any thread, when there is
  // something to take after there was nothing, and when the feed is closed. It
  // must be short and must not call the feed. It is not called once the
  // subscription is gone.
  //
  // Returns kResourceExhausted if too many watch already, kUnavailable if the
  // feed is closed.
  absl::StatusOr<std::unique_ptr<Subscription>> Subscribe(
      FeedFilter filter, std::function<void()> on_ready) LOCKS_EXCLUDED(mu_);

  // Ends the feed for those who watch where the drain waits for them.
  void BeginDrain() LOCKS_EXCLUDED(mu_);

  // Ends the feed: nothing is published from now on.
  void Close() LOCKS_EXCLUDED(mu_);

 private:
  void PublishToAll(FeedEvent::Kind kind, const CallRecord& record)
      LOCKS_EXCLUDED(mu_);
  void CountWatchers() EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsClosedFor(const FeedFilter& filter) const
      EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return closed_ || (draining_ && filter.ends_at_drain);
  }

  const Options options_;
  // The number of subscriptions_, and of those that want to know of progress,
  // or of usage; zero when closed.
  std::atomic<size_t> watchers_ = 0;
  std::atomic<size_t> progress_watchers_ = 0;
  std::atomic<size_t> usage_watchers_ = 0;

  mutable Mutex mu_;
  std::vector<Subscription*> subscriptions_ GUARDED_BY(mu_);
  bool draining_ GUARDED_BY(mu_) = false;
  bool closed_ GUARDED_BY(mu_) = false;
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_REQUEST_FEED_H_
