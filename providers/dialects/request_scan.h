// Reads of a request whose bytes are forwarded what the stages must know, in
// one pass over its fields. A dialect says which fields those are, and what
// each is; this is the one scanner of them all.
//
//   constexpr wire::ScannedField kFields[] = {
//       {.key = "model", .kind = wire::FieldKind::kModel},
//       {.key = "max_tokens", .kind = wire::FieldKind::kOutputLimit},
//       {.key = "thinking"},  // May not be repeated; nothing else is asked.
//   };
//   constexpr wire::ScanFormat kScanFormat = {.fields = kFields};
//
//   absl::Status ScanRequest(std::string_view body, RequestScan* scan) {
//     return wire::ScanRequest(kScanFormat, body, scan);
//   }
//
// A repeated field of the table is refused, and so is one of a wrong type, and
// a key that differs from one of the table in letter case only (key_case.h):
// policy and provider could read two different requests. All other fields, the
// range of numbers, and what is inside of messages and tools, are the
// provider's to check.
//
// Thread-safe: free functions and constants.

#ifndef PROVIDERS_DIALECTS_REQUEST_SCAN_H_
#define PROVIDERS_DIALECTS_REQUEST_SCAN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/text/json.h"
#include "providers/dialects/dialect.h"

namespace gateway::wire {

// What a field is to the stages.
enum class FieldKind : uint8_t {
  kSingle,       // Nothing; but it may not be repeated.
  kModel,        // The model's name, of a character at least. Not null.
  kMessages,     // The list whose entries are counted. Not null.
  kTools,        // A list of tools.
  kStream,       // Whether a stream is asked for.
  kOutputLimit,  // The most tokens to answer with; the largest counts.
  kAnswerCount,  // How many answers are asked for.
  kInteger,      // A number whose type is checked.
  kLabels,       // An object of labels.
  kUserId,       // For whom the request is made.
  kOldUserId,    // The same, if no field of the kind above says it.
  kOwn,          // A text that only the gateway reads, and that is cut out.
  kObject,       // An object with fields of its own.
  // The session that the request goes on with. What is no text, or an empty
  // one, names none: session_field says that it is there.
  kSession,
  kHook,  // The dialect's own.
};

struct ScanFormat;

// A field of a table. It may be null unless its kind says otherwise.
struct ScannedField {
  std::string_view key;
  FieldKind kind = FieldKind::kSingle;
  // Of kMessages and kTools: an object in place of the list is one entry.
  bool one_alone = false;
  // Of kHook: the hook is called for null, too.
  bool null_too = false;
  // Of kObject: what is inside.
  const ScanFormat* inside = nullptr;
  // Of kOwn: where the text goes.
  std::string RequestScan::* text = nullptr;
  // Where the place of the key goes, quotes included, if it is asked for.
  Span RequestScan::* key_place = nullptr;
};

// The fields of an object that are looked at, kScannedFieldsMax at most.
struct ScanFormat {
  absl::Span<const ScannedField> fields;
  // Keys are those of protobuf's JSON: camelCase, and snake_case as well.
  bool camel_case = false;
  // What is said of a field that is repeated.
  std::string_view repeated = "repeated key";
};

inline constexpr size_t kScannedFieldsMax = 32;

// The longest name of a model, since it gets into records.
inline constexpr size_t kModelCharactersMax = 256;

// Called for each field of kHook, whose `key` is as in the table.
using ScanHook =
    absl::FunctionRef<absl::Status(std::string_view key, JsonValue& value)>;

// Replaces `scan` by what `body` says. Keys are compared unescaped. Errors are
// faults that name the field. REQUIRES: with kHook in the table, a hook.
absl::Status ScanRequest(const ScanFormat& format, std::string_view body,
                         RequestScan* scan);
absl::Status ScanRequest(const ScanFormat& format, std::string_view body,
                         RequestScan* scan, ScanHook hook);

// Counts the entries of a list, or fails naming the field.
absl::Status CountEntries(JsonValue& list, int* count);

// Plans the edits that make a scanned request ask for `model`, whether it names
// another or none, and that cut out the gateway's own fields.
void PlanEdits(const RequestScan& scan, std::string_view model, EditPlan* plan);

// Puts the edits in the order in which they are made.
void SortEdits(EditPlan* plan);

}  // namespace gateway::wire

#endif  // PROVIDERS_DIALECTS_REQUEST_SCAN_H_
