// LayOver replaces those fields of a message that another of the same type
// sets: what is more special, over what holds in general.
//
//   RetryConfig retry = config.resilience().retry();
//   LayOver(provider.resilience().retry(), &retry);
//
// A field is replaced whole: of durations, MergeFrom would mix the seconds of
// one with the nanoseconds of the other. A field without presence that has its
// default replaces nothing.
//
// Thread contract: plain function.

#ifndef PROTO_OVERLAY_H_
#define PROTO_OVERLAY_H_

#include "google/protobuf/message.h"

namespace gateway {

// REQUIRES: both are of the same type.
void LayOver(const google::protobuf::Message& over,
             google::protobuf::Message* base);

}  // namespace gateway

#endif  // PROTO_OVERLAY_H_
