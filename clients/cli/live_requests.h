// LiveRequests knows which calls a gateway has under way, and which ended last,
// by the events that it tells of them.
//
//   LiveRequests requests;
//   requests.Add(event);
//   std::cout << requests.Text(now, /*lines=*/24);
//
// Thread-compatible.

#ifndef CLIENTS_CLI_LIVE_REQUESTS_H_
#define CLIENTS_CLI_LIVE_REQUESTS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "absl/time/time.h"
#include "llmgateway/v1/metrics.pb.h"

namespace gateway {

class LiveRequests {
 public:
  // Adds what an event tells. A call that was under way before the first event
  // is known as soon as it tells of itself.
  void Add(const llmgateway::v1::RequestEvent& event);

  // For people: at most so many lines; the oldest calls that go on first, then
  // those that ended last.
  std::string Text(absl::Time now, size_t lines) const;

  int64_t ended_count() const { return ended_count_; }

 private:
  struct Live {
    absl::Time start = absl::InfinitePast();
    std::string caller;
    std::string asked;   // The model that the caller named.
    std::string target;  // Where it goes.
    std::string state;
    int64_t bytes = 0;
  };

  Live& LiveOf(const std::string& request_id);
  void End(const llmgateway::v1::RequestRecord& record);

  std::map<std::string, Live> live_;
  // The last to end first; at most kEndedMax.
  std::deque<llmgateway::v1::RequestRecord> ended_;
  int64_t ended_count_ = 0;
  int64_t failed_count_ = 0;
  int64_t lost_count_ = 0;
};

// For people: what became of a call, in one line.
std::string EndedRequestText(const llmgateway::v1::RequestRecord& record);

}  // namespace gateway

#endif  // CLIENTS_CLI_LIVE_REQUESTS_H_
