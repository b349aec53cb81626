// EventOrder sees that of a stream's events none is lost or comes twice. The
// contract counts them from 1 without gaps, and the end is the last.
//
//   EventOrder order;
//   if (const std::string lost = order.Add(event); !lost.empty()) ...
//
// Thread-compatible.

#ifndef CLIENTS_CPP_EVENT_ORDER_H_
#define CLIENTS_CPP_EVENT_ORDER_H_

#include <cstdint>
#include <string>

#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

class EventOrder {
 public:
  // Of a stream from its beginning.
  EventOrder() = default;
  // Of one that goes on behind that event, or with whatever is kept if it is 0.
  explicit EventOrder(int64_t after_seq)
      : last_seq_(after_seq), begins_anywhere_(after_seq == 0) {}

  // Takes the next event. Returns what is wrong if it is another one, which
  // then does not count; empty if it is right.
  std::string Add(const llmgateway::v1::GenerateEvent& event);

  // Of the last event; before the first that which the stream goes on behind.
  int64_t last_seq() const { return last_seq_; }

  // Whether the end has come.
  bool has_ended() const { return has_ended_; }

 private:
  int64_t last_seq_ = 0;
  bool begins_anywhere_ = false;
  bool has_ended_ = false;
};

}  // namespace gateway

#endif  // CLIENTS_CPP_EVENT_ORDER_H_
