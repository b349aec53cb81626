#include "service/api/call_context.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "base/memory/recycler.h"
#include "base/os/random.h"
#include "base/text/byte_words.h"
#include "service/api/call_fields.h"
#include "service/audit/redaction/key_redactor.h"

namespace gateway {
namespace {

// First blocks of the arenas. A stream's own arena holds little more than the
// caller's metadata, for as long as the stream lasts; its request takes the
// second, and both messages of a plain call the third.
constexpr size_t kFirstBlockBytes = 256;
constexpr size_t kRequestFirstBlockBytes = 768;
constexpr size_t kMessagesFirstBlockBytes = 2048;

google::protobuf::ArenaOptions RecycledBlocks(size_t first_bytes) {
  google::protobuf::ArenaOptions options;
  options.start_block_size = first_bytes;
  options.max_block_size = kRecycledBytesMax;
  options.block_alloc = RecycledAllocate;
  options.block_dealloc = RecycledFree;
  return options;
}

bool IsMetadataName(std::string_view name) {
  return !name.empty() && !IsReservedMetadataName(name) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) ||
                  c == '-' || c == '_' || c == '.';
         });
}

// Returns whether all bytes are printable ASCII, as nearly always.
bool IsVisible(std::string_view text) {
  const auto is_visible = [](uint64_t word) {
    // One more makes DEL the first that is not ASCII.
    return FirstBelow(word, 0x20) == 0 &&
           ((word | (word + EachByte(1))) & kHighBits) == 0;
  };
  constexpr size_t kWord = sizeof(uint64_t);
  if (text.size() < kWord) {
    uint64_t rest = EachByte(' ');
    memcpy(&rest, text.data(), text.size());
    return is_visible(rest);
  }
  for (size_t i = 0; i + kWord <= text.size(); i += kWord) {
    if (!is_visible(LoadWord(text.data() + i))) return false;
  }
  // The last ones overlap.
  return is_visible(LoadWord(text.data() + text.size() - kWord));
}

// Returns what a field can carry of a value; `memory` backs the result if it
// differs from the value.
std::string_view Sendable(std::string_view name, std::string_view value,
                          std::string* memory) {
  if (name.ends_with("-bin")) return value;
  // Spaces at both ends are cut: a field with one is malformed (RFC 9113
  // §8.2.1).
  while (value.starts_with(' ')) value.remove_prefix(1);
  while (value.ends_with(' ')) value.remove_suffix(1);
  if (IsVisible(value)) return value;
  *memory = std::string(value);
  std::replace_if(
      memory->begin(), memory->end(),
      [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return *memory;
}

// In most ids, UUIDs and numbers, nothing has to be looked for: no form of a
// key is of hexadecimal digits alone.
bool HasKey(std::string_view id) {
  const auto is_plain = [](char c) {
    return absl::ascii_isxdigit(c) || c == '-';
  };
  return !std::all_of(id.begin(), id.end(), is_plain) &&
         KeyRedactor().RedactText(id).redactions > 0;
}

}  // namespace

bool IsValidRequestId(std::string_view id) {
  const auto is_allowed = [](char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.' ||
           c == ':';
  };
  return !id.empty() && id.size() <= kRequestIdBytesLimit &&
         std::all_of(id.begin(), id.end(), is_allowed) && !HasKey(id);
}

ShortText RequestIdFor(std::string_view given) {
  if (IsValidRequestId(given)) return ShortText(given);
  std::array<char, kMadeUpRequestIdDigits> made_up;
  SystemRandom().FillHexId(made_up.data(), made_up.size());
  return ShortText({made_up.data(), made_up.size()});
}

CallContext::CallContext(EventLoop& loop, const Arrival& arrival)
    : loop_(loop),
      arrival_(arrival),
      arena_(RecycledBlocks(arrival.holds_messages ? kMessagesFirstBlockBytes
                                                   : kFirstBlockBytes)) {}

std::string_view CallContext::MadeUpId() const {
  if (!id_made_up_) {
    SystemRandom().FillHexId(made_up_id_.data(), made_up_id_.size());
    id_made_up_ = true;
  }
  return {made_up_id_.data(), made_up_id_.size()};
}

void CallContext::AddOwnMetadata(std::string_view name,
                                 std::string_view value) {
  assert(!IsReservedMetadataName(name));
  if (request_id_.empty() && name == kRequestIdHeader &&
      IsValidRequestId(value)) {
    request_id_ = value;
  }
  metadata_.push_back({name, value});
}

google::protobuf::Arena* CallContext::request_arena() {
  if (request_arena_ == nullptr) {
    request_arena_ = std::make_unique<google::protobuf::Arena>(
        RecycledBlocks(kRequestFirstBlockBytes));
  }
  return request_arena_.get();
}

std::string_view CallContext::Keep(std::string_view text) {
  if (text.empty()) return {};
  char* const kept =
      google::protobuf::Arena::CreateArray<char>(&arena_, text.size());
  text.copy(kept, text.size());
  return {kept, text.size()};
}

std::optional<std::string_view> CallContext::FindMetadata(
    std::string_view name) const {
  for (const MetadataEntry& entry : metadata_) {
    if (entry.name == name) return entry.value;
  }
  return std::nullopt;
}

std::optional<std::string_view> CallContext::FindSoleMetadata(
    std::string_view name) const {
  std::optional<std::string_view> sole;
  for (const MetadataEntry& entry : metadata_) {
    if (entry.name != name) continue;
    if (sole.has_value()) return std::nullopt;
    sole = entry.value;
  }
  return sole;
}

void CallContext::AddTrailer(std::string_view name, std::string_view value) {
  std::string memory;
  trailers_.push_back({name, Keep(Sendable(name, value, &memory))});
}

void CallContext::AddTrailers(const CallFields& fields) {
  size_t bytes = 0;
  for (const CallField& field : fields) bytes += field.value.size();
  // What can be sent of a value is not longer.
  char* out = bytes == 0
                  ? nullptr
                  : google::protobuf::Arena::CreateArray<char>(&arena_, bytes);
  trailers_.reserve(trailers_.size() + fields.size());
  std::string memory;
  for (const CallField& field : fields) {
    const std::string_view value = Sendable(field.name, field.value, &memory);
    trailers_.push_back({field.name, {out, value.size()}});
    out += value.copy(out, value.size());
  }
}

void CallContext::AddInitialMetadata(std::string_view name,
                                     std::string_view value) {
  assert(!initial_metadata_taken_ && IsMetadataName(name));
  std::string memory;
  initial_metadata_.Add(name, Sendable(name, value, &memory));
}

void CallContext::AddInitialMetadata(const FieldBlock& fields) {
  assert(!initial_metadata_taken_);
  initial_metadata_.Append(fields);
}

FieldBlock CallContext::TakeInitialMetadata() {
  initial_metadata_taken_ = true;
  return std::move(initial_metadata_);
}

absl::Status CallContext::Outcome(absl::Status handler_status) const {
  if (handler_status.ok() || !cancel_.cancelled() ||
      handler_status.code() == cancel_.status().code()) {
    return handler_status;
  }
  return cancel_.status();
}

}  // namespace gateway
