#include "service/observability/request_feed.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/os/mutex.h"
#include "service/observability/call_record.h"

namespace gateway {
namespace {

bool Matches(const FeedFilter& filter, FeedEvent::Kind kind,
             const CallRecord& record) {
  if (kind != FeedEvent::Kind::kEnded &&
      (!filter.progress || filter.failures_only)) {
    return false;
  }
  if (!filter.provider.empty() && filter.provider != record.provider) {
    return false;
  }
  if (!filter.model.empty() && filter.model != record.model_asked) return false;
  return !filter.failures_only || record.status_code != absl::StatusCode::kOk;
}

}  // namespace

RequestFeed::Subscription::Subscription(RequestFeed& feed, FeedFilter filter,
                                        std::function<void()> on_ready)
    : feed_(feed), filter_(std::move(filter)), on_ready_(std::move(on_ready)) {}

RequestFeed::Subscription::~Subscription() {
  MutexLock lock(feed_.mu_);
  std::erase(feed_.subscriptions_, this);
  feed_.CountWatchers();
}

std::optional<FeedEvent> RequestFeed::Subscription::Take() {
  MutexLock lock(feed_.mu_);
  if (events_.empty()) return std::nullopt;
  FeedEvent event = std::move(events_.front());
  event.dropped_events = std::exchange(dropped_events_, 0);
  events_.pop_front();
  return event;
}

bool RequestFeed::Subscription::closed() const {
  MutexLock lock(feed_.mu_);
  return feed_.closed_;
}

RequestFeed::~RequestFeed() {
  MutexLock lock(mu_);
  assert(subscriptions_.empty());
}

absl::StatusOr<std::unique_ptr<RequestFeed::Subscription>>
RequestFeed::Subscribe(FeedFilter filter, std::function<void()> on_ready) {
  std::unique_ptr<Subscription> subscription(
      new Subscription(*this, std::move(filter), std::move(on_ready)));
  absl::Status refused;
  {
    MutexLock lock(mu_);
    if (closed_) {
      refused = absl::UnavailableError("the feed of calls is closed");
    } else if (subscriptions_.size() >= options_.watchers_limit) {
      refused = absl::ResourceExhaustedError(
          absl::StrCat("all ", options_.watchers_limit, " watchers are taken"));
    } else {
      subscriptions_.push_back(subscription.get());
      CountWatchers();
    }
  }
  if (!refused.ok()) return refused;
  return subscription;
}

void RequestFeed::Close() {
  MutexLock lock(mu_);
  closed_ = true;
  CountWatchers();
  for (Subscription* subscription : subscriptions_) subscription->on_ready_();
}

void RequestFeed::CountWatchers() {
  const auto all = closed_ ? 0 : subscriptions_.size();
  const auto progress = std::count_if(
      subscriptions_.begin(), subscriptions_.end(),
      [](const Subscription* each) { return each->filter_.progress; });
  watchers_.store(all, std::memory_order_relaxed);
  progress_watchers_.store(closed_ ? 0 : static_cast<size_t>(progress),
                           std::memory_order_relaxed);
}

void RequestFeed::PublishToAll(FeedEvent::Kind kind,
                               const CallRecord& record) {
  // Copied once, for the first watcher that it concerns.
  std::shared_ptr<const OwnedCallRecord> call;
  MutexLock lock(mu_);
  if (closed_) return;
  for (Subscription* subscription : subscriptions_) {
    if (!Matches(subscription->filter_, kind, record)) continue;
    if (call == nullptr) call = std::make_shared<OwnedCallRecord>(record);
    auto& events = subscription->events_;
    if (events.size() >= options_.events_limit) {
      events.pop_front();
      ++subscription->dropped_events_;
    }
    events.push_back({.kind = kind, .call = call});
    if (events.size() == 1) subscription->on_ready_();
  }
}

}  // namespace gateway
