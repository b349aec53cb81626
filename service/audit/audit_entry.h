// AuditEntry is what the audit log tells of a call that has ended, of entries
// that were deleted or lost, or of bodies that an operator was shown.
//
//   AuditEntry entry;
//   entry.time = call.start_time;
//   entry.texts.Add(record.request_id);  // In the order of AuditText.
//   ...
//   audit_log.Add(std::move(entry));
//
// Thread-compatible.

#ifndef SERVICE_AUDIT_AUDIT_ENTRY_H_
#define SERVICE_AUDIT_AUDIT_ENTRY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace gateway {

// The numbers are those of the contract (llmgateway.v1.AuditEntry), and stay:
// they are in files.
enum class AuditKind : uint8_t {
  kCall = 1,
  kDeletion = 2,
  kLoss = 3,
  kDisclosure = 4,
};
enum class AuditOutcome : uint8_t { kNone = 0, kSucceeded = 1, kFailed = 2 };

// The texts of an entry, in their order.
enum class AuditText : uint8_t {
  kRequestId,
  kOperation,
  kCaller,
  kOwner,
  kPeer,
  kUserId,
  kSessionId,
  kWorkOrderId,
  kAgentId,
  kAgentType,
  kProjectId,
  kContractId,
  kFrameworkId,
  kTier,
  kModel,  // As the caller named it.
  kProvider,
  kModelServed,  // As the provider was asked for it.
  kRouteReason,
  kMessage,
  kAnswerOf,
};
inline constexpr size_t kAuditTexts = 20;

// All of them in one piece of memory: an entry is made for each call.
class AuditTexts {
 public:
  // What is longer is cut, between characters.
  static constexpr size_t kTextBytesMax = 1024;

  // Adds the next; those that are not added are empty. REQUIRES: there is one.
  void Add(std::string_view text);
  // Puts another in place of one.
  void Replace(AuditText which, std::string_view text);

  std::string_view operator[](AuditText which) const {
    const auto i = static_cast<size_t>(which);
    if (i >= added_) return {};
    const size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }

  size_t bytes() const { return bytes_.size(); }

 private:
  std::string bytes_;
  std::array<uint16_t, kAuditTexts> ends_ = {};
  size_t added_ = 0;
};

// What a call consumed; in the order of llmgateway.v1.Usage.
struct AuditUsage {
  static constexpr size_t kTokenKinds = 12;
  // Those that entries of every version have, which come first.
  static constexpr size_t kFirstTokenKinds = 10;
  std::array<int64_t, kTokenKinds> tokens = {};
  // What was charged; nothing if the model has no price.
  std::optional<int64_t> charged_nanos;
  bool cost_known = false;
  bool estimated = false;
  bool operator==(const AuditUsage&) const = default;
};

// What is kept of a request or an answer.
struct AuditBody {
  // What it is at first: bytes that `to_text`, if there is one, makes a text
  // of; then that text, redacted and perhaps encrypted, as it is written; read
  // again, the text.
  std::string bytes;
  std::string (*to_text)(std::string_view bytes) = nullptr;

  bool is_kept = false;
  size_t bytes_limit = 0;  // Of the text.
  int64_t kept_bytes = 0;  // The text has.
  bool truncated = false;
  int redactions = 0;
  std::string key_id;       // Empty if it is not encrypted.
  std::string unavailable;  // Why there is no text.

  // Has no text, for this reason, and gives its memory back.
  void GiveUp(std::string_view why);
};

struct AuditEntry {
  int64_t id = 0;  // Of an entry that is written.
  AuditKind kind = AuditKind::kCall;
  absl::Time time;
  AuditTexts texts;
  AuditOutcome outcome = AuditOutcome::kNone;
  bool stream = false;
  // As numbers of the contract's.
  int failure = 0;
  int status_code = 0;
  int http_status = 0;
  int finish_reason = 0;
  int attempts = 0;
  AuditUsage usage;
  absl::Duration duration;
  int64_t request_bytes = 0;
  int64_t response_bytes = 0;
  int64_t entries = 0;
  AuditBody request;
  AuditBody response;

  // Says that it stands for so many more refusals, which have no entry: of the
  // same caller or, if it is not known, of all who are not.
  void StandFor(int64_t others, bool caller_known);

  // How much memory it takes, roughly.
  size_t held_bytes() const {
    return sizeof(*this) + texts.bytes() + request.bytes.capacity() +
           response.bytes.capacity();
  }
};

}  // namespace gateway

#endif  // SERVICE_AUDIT_AUDIT_ENTRY_H_
