// The least and the most that a number, size or duration of the configuration
// may be: one table, in the words of the fields' comments.
//
//   CheckFieldRanges(config, places, &problems);
//   // gateway.yaml:9:5: runtime.event_loops: must be 0 to 1024
//
// Thread-safe.

#ifndef SERVICE_CONFIG_FIELD_RANGES_H_
#define SERVICE_CONFIG_FIELD_RANGES_H_

#include <string>
#include <vector>

#include "google/protobuf/message.h"
#include "service/config/config_problem.h"

namespace gateway {

struct FieldRange {
  const char* field;  // Such as `RetryConfig.attempts_limit`.
  const char* least;  // As in a configuration file.
  const char* most;
};

// Returns all fields that have a range, sorted by name.
const std::vector<FieldRange>& FieldRanges();

// Checks every field of `message`, and of the messages in it, that is set.
void CheckFieldRanges(const google::protobuf::Message& message,
                      const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_FIELD_RANGES_H_
