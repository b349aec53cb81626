// A KeptAnswer is a good answer as it was sent, whole, so that it can be sent
// again: to whoever asks the same, or asks again.
//
// Immutable once it is shared, and so thread-safe.

#ifndef SERVICE_CACHE_KEPT_ANSWER_H_
#define SERVICE_CACHE_KEPT_ANSWER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway {

struct KeptAnswer {
  // The bytes of the API's dialect, or a serialized GenerateResponse; of a
  // stream its events, framing included, or serialized GenerateEvents.
  std::string body;
  // Where each event of a stream, or some of them together, ends in `body`,
  // ascending; the last is its size. Empty for a whole answer.
  std::vector<size_t> event_ends;
  // The body is of messages, and not of the API's dialect.
  bool is_message = false;

  // Of the call that made it.
  std::string request_id;
  std::string kept_id;  // Under which the provider may keep it.
  // Whose call it was, as Caller::id; nothing if the record is of a version
  // that did not say, which says no credential either.
  std::optional<std::string> caller;
  // The ledger's entry of the exchange; empty if there is none.
  std::string exchange_entry_id;
  std::string provider;
  std::string credential;  // The name of the provider's; empty if it has none.
  std::string model;  // As the provider is asked for it.
  absl::Time created;
  ::llmgateway::v1::Usage usage;
  ::llmgateway::v1::FinishReason finish_reason =
      ::llmgateway::v1::FINISH_REASON_UNSPECIFIED;
  // What its caller was told, such as fields that could not be carried.
  std::vector<::llmgateway::v1::Warning> warnings;

  bool is_stream() const { return !event_ends.empty(); }
};

using KeptAnswerPtr = std::shared_ptr<const KeptAnswer>;

// How many bytes it takes of the process, what the allocator adds included.
size_t HeldBytes(const KeptAnswer& answer);

// What an allocation takes beside what was asked for: its head, and the
// rounding up to a class of sizes.
inline constexpr size_t kAllocationBytes = 32;

// The same of a text: nothing where it lies in its object.
size_t HeldBytes(const std::string& text);

}  // namespace gateway

#endif  // SERVICE_CACHE_KEPT_ANSWER_H_
