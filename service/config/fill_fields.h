// Ways to set a field of a message that is not set, for the files of defaults.
//
//   FILL(*limits, tools_limit, 512);
//   FILL_TIME(*runtime, drain_grace, 30'000);
//
// FILL is for a number or a truth value, FILL_TEXT for a string that is empty,
// FILL_TIME for a duration, in milliseconds, FILL_ENUM for an enum that has its
// first value.
//
// Thread contract: those of the messages.

#ifndef SERVICE_CONFIG_FILL_FIELDS_H_
#define SERVICE_CONFIG_FILL_FIELDS_H_

#include "google/protobuf/util/time_util.h"

#define FILL(message, field, value) \
  if (!(message).has_##field()) (message).set_##field(value)
#define FILL_TEXT(message, field, value) \
  if ((message).field().empty()) (message).set_##field(value)
#define FILL_TIME(message, field, milliseconds) \
  if (!(message).has_##field())                 \
  *(message).mutable_##field() =                \
      google::protobuf::util::TimeUtil::MillisecondsToDuration(milliseconds)
#define FILL_ENUM(message, field, value) \
  if ((message).field() == 0) (message).set_##field(value)

#endif  // SERVICE_CONFIG_FILL_FIELDS_H_
