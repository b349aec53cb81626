#include "clients/cli/live_requests.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/answer_text.h"
#include "clients/cli/target_words.h"
#include "service/money/money.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr size_t kEndedMax = 100;
// More than a gateway has under way; those of which the end was lost go.
constexpr size_t kLiveMax = 10'000;

absl::Time MomentOfStart(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) +
         absl::Nanoseconds(time.nanos());
}

std::string ElapsedText(absl::Duration elapsed) {
  return absl::FormatDuration(absl::Trunc(
      std::max(elapsed, absl::ZeroDuration()), absl::Milliseconds(100)));
}

std::string RouteText(const v1::Route& route) {
  return OrDash(TargetText(route.provider(), route.model()));
}

Row EndedRow(const v1::RequestRecord& record) {
  const bool failed = record.status_code() != 0;
  const absl::Duration total =
      absl::Seconds(record.timings().total().seconds()) +
      absl::Nanoseconds(record.timings().total().nanos());
  const v1::Usage& usage = record.usage();
  return {
      record.request_id(),
      OrDash(record.caller()),
      OrDash(record.model()),
      RouteText(record.route()),
      failed
          ? ValueText(v1::ErrorReason_Name(record.failure()), "ERROR_REASON_")
          : "ok",
      ElapsedText(total),
      absl::StrCat(usage.input_tokens(), "+", usage.output_tokens(), " t"),
      usage.cost_known()
          ? absl::StrCat("$", Money::FromNanos(usage.cost_usd_nanos()).Text())
          : "-"};
}

}  // namespace

void LiveRequests::Add(const v1::RequestEvent& event) {
  lost_count_ += event.dropped_events();
  switch (event.event_case()) {
    case v1::RequestEvent::kStarted: {
      const v1::RequestStarted& started = event.started();
      Live& live = LiveOf(started.request_id());
      live.start = MomentOfStart(started.start_time());
      live.caller = started.caller();
      live.asked = started.model();
      live.target = RouteText(started.route());
      live.state = "asked";
      break;
    }
    case v1::RequestEvent::kFirstToken: {
      Live& live = LiveOf(event.first_token().request_id());
      live.target = RouteText(event.first_token().route());
      live.state = "answers";
      break;
    }
    case v1::RequestEvent::kProgress: {
      Live& live = LiveOf(event.progress().request_id());
      live.target = RouteText(event.progress().route());
      live.caller = event.progress().caller();
      live.state = "answers";
      live.bytes = event.progress().response_bytes();
      break;
    }
    case v1::RequestEvent::kEnded:
      End(event.ended());
      break;
    default:
      break;
  }
}

LiveRequests::Live& LiveRequests::LiveOf(const std::string& request_id) {
  if (live_.size() >= kLiveMax && live_.count(request_id) == 0) {
    const auto oldest = std::min_element(
        live_.begin(), live_.end(), [](const auto& a, const auto& b) {
          return a.second.start < b.second.start;
        });
    live_.erase(oldest);
  }
  return live_[request_id];
}

void LiveRequests::End(const v1::RequestRecord& record) {
  live_.erase(record.request_id());
  ++ended_count_;
  if (record.status_code() != 0) ++failed_count_;
  ended_.push_front(record);
  if (ended_.size() > kEndedMax) ended_.pop_back();
}

std::string LiveRequests::Text(absl::Time now, size_t lines) const {
  std::string text = absl::StrCat(live_.size(), " under way, ", ended_count_,
                                  " ended, ", failed_count_, " of them failed");
  if (lost_count_ > 0) absl::StrAppend(&text, ", ", lost_count_, " lost");
  std::vector<std::pair<std::string, const Live*>> oldest;
  for (const auto& [id, live] : live_) oldest.emplace_back(id, &live);
  std::sort(oldest.begin(), oldest.end(), [](const auto& a, const auto& b) {
    return a.second->start < b.second->start;
  });
  std::vector<Row> rows = {
      {"ID", "CALLER", "ASKED", "TARGET", "STATE", "TIME", "SIZE", "COST"}};
  // Two lines are taken.
  const auto has_room = [&] { return rows.size() + 2 <= lines; };
  for (const auto& [id, live] : oldest) {
    if (!has_room()) break;
    rows.push_back({id, OrDash(live->caller), OrDash(live->asked), live->target,
                    live->state,
                    live->start == absl::InfinitePast()
                        ? "-"
                        : ElapsedText(now - live->start),
                    absl::StrCat(live->bytes, " B"), "-"});
  }
  for (const v1::RequestRecord& record : ended_) {
    if (!has_room()) break;
    rows.push_back(EndedRow(record));
  }
  return absl::StrCat(text, "\n", Table(rows));
}

std::string EndedRequestText(const v1::RequestRecord& record) {
  return Table({EndedRow(record)});
}

}  // namespace gateway
