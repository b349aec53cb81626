// What the scans of raw requests and answers read alike.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_SCAN_VALUES_H_
#define PROVIDERS_DIALECTS_SCAN_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "providers/dialects/dialect.h"

namespace gateway::wire {

// The longest name of a model and the like, since they get into records.
inline constexpr size_t kNameCharactersMax = 256;

// The most parts of one request, in all of its messages together. Readers fail
// at the first beyond.
inline constexpr int kPartsLimit = 100'000;

// Fails, naming the value's field, if `name` is longer than kNameCharactersMax.
absl::Status CheckNameLength(JsonValue& value, std::string_view name);

// Counts the elements of an array, or fails naming the field.
absl::Status CountElements(JsonValue& array, int* count);

// Counts the tools of a request: an array of them, or one alone.
absl::Status ScanTools(JsonValue& value, RequestScan* scan);

// Reads a string; null leaves `text` as it was.
absl::Status ReadText(JsonValue& value, std::string* text);

// Reads a request's labels, texts by name. A value that is no text is only
// counted.
absl::Status ScanLabels(JsonValue& object, RequestScan* scan);

// Records where the fields of `body`, a JSON object, begin, and whether there
// are any.
void ScanObject(std::string_view body, RequestScan* scan);

// Plans the edit that makes a scanned request ask for `model`, whether it names
// another or none.
void PlanModelEdit(const RequestScan& scan, std::string_view model,
                   EditPlan* plan);

// Reads the model's name, and where it stands in `body`, the text that is being
// read.
absl::Status ScanModel(JsonValue& value, std::string_view body,
                       RequestScan* scan);

}  // namespace gateway::wire

#endif  // PROVIDERS_DIALECTS_SCAN_VALUES_H_
