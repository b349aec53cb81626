#include "service/observability/request_feed.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/os/mutex.h"
#include "service/observability/call_record.h"

namespace gateway {
namespace {

bool WantsKind(const FeedFilter& filter, FeedEvent::Kind kind) {
  switch (kind) {
    case FeedEvent::Kind::kStarted:
    case FeedEvent::Kind::kFirstToken:
      return filter.progress && !filter.failures_only;
    case FeedEvent::Kind::kUsage:
      return filter.usage_progress && !filter.failures_only;
    case FeedEvent::Kind::kEnded:
      break;
  }
  return true;
}

bool Matches(const FeedFilter& filter, FeedEvent::Kind kind,
             const CallRecord& record) {
  if (!WantsKind(filter, kind)) return false;
  const auto allows = [](const std::string& wanted, std::string_view is) {
    return wanted.empty() || wanted == is;
  };
  const std::string_view key =
      record.caller_has_key ? record.caller : std::string_view();
  if (!allows(filter.provider, record.provider) ||
      !allows(filter.model, record.model_asked) ||
      !allows(filter.model_served, record.model_served) ||
      !allows(filter.agent_type, record.scope.agent_type) ||
      !allows(filter.project_id, record.scope.project_id) ||
      !allows(filter.caller, record.caller) || !allows(filter.key, key)) {
    return false;
  }
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
  return feed_.IsClosedFor(filter_);
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
    if (IsClosedFor(subscription->filter_)) {
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

void RequestFeed::BeginDrain() {
  MutexLock lock(mu_);
  draining_ = true;
  for (Subscription* subscription : subscriptions_) {
    if (subscription->filter_.ends_at_drain) subscription->on_ready_();
  }
}

void RequestFeed::Close() {
  MutexLock lock(mu_);
  closed_ = true;
  CountWatchers();
  for (Subscription* subscription : subscriptions_) subscription->on_ready_();
}

void RequestFeed::CountWatchers() {
  const auto all = closed_ ? 0 : subscriptions_.size();
  const auto count = [this](bool FeedFilter::* wanted) {
    const auto found = std::count_if(
        subscriptions_.begin(), subscriptions_.end(),
        [wanted](const Subscription* each) { return each->filter_.*wanted; });
    return closed_ ? size_t{0} : static_cast<size_t>(found);
  };
  watchers_.store(all, std::memory_order_relaxed);
  progress_watchers_.store(count(&FeedFilter::progress),
                           std::memory_order_relaxed);
  usage_watchers_.store(count(&FeedFilter::usage_progress),
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
