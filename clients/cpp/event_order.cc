#include "clients/cpp/event_order.h"

#include "absl/strings/str_cat.h"

namespace gateway {

std::string EventOrder::Add(const llmgateway::v1::GenerateEvent& event) {
  const int64_t seq = event.seq();
  if (has_ended_) {
    return absl::StrCat("event ", seq, " has come behind the end");
  }
  if (seq != last_seq_ + 1 && !(begins_anywhere_ && seq > 0)) {
    return absl::StrCat("event ", seq, " has come in place of ", last_seq_ + 1);
  }
  last_seq_ = seq;
  begins_anywhere_ = false;
  has_ended_ = event.has_end();
  return {};
}

}  // namespace gateway
