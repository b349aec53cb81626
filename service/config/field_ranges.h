// The least and the most that a number, size or duration of the configuration
// may be, in the words of the fields' comments: one table here, and one of each
// kind of provider.
//
//   CheckFieldRanges(kinds, config, places, &problems);
//   // gateway.yaml:9:5: runtime.event_loops: must be 0 to 1024
//
// Thread-safe.

#ifndef SERVICE_CONFIG_FIELD_RANGES_H_
#define SERVICE_CONFIG_FIELD_RANGES_H_

#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/message.h"
#include "providers/provider_kind.h"
#include "service/config/config_problem.h"

namespace gateway {

struct FieldRange {
  std::string field;       // Such as `RetryConfig.attempts_limit`.
  std::string_view least;  // As in a configuration file.
  std::string_view most;
};

// Returns all fields that have a range, sorted by name.
std::vector<FieldRange> FieldRanges(const ProviderKinds& kinds);

// Checks every field of `message`, and of the messages in it, that is set.
void CheckFieldRanges(const ProviderKinds& kinds,
                      const google::protobuf::Message& message,
                      const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_FIELD_RANGES_H_
