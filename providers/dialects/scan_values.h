// What the scans of raw requests and answers read alike.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_SCAN_VALUES_H_
#define PROVIDERS_DIALECTS_SCAN_VALUES_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "providers/dialects/dialect.h"

namespace gateway::wire {

// A string that may be null, which leaves `text` as it was.
absl::Status ReadText(JsonValue& value, std::string* text);

// The model's name: what it says, and where it stands in `body`, the text that
// is being read.
absl::Status ScanModel(JsonValue& value, std::string_view body,
                       RequestScan* scan);

}  // namespace gateway::wire

#endif  // PROVIDERS_DIALECTS_SCAN_VALUES_H_
