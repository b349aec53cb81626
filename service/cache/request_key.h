// The key of a request: requests that mean the same, of the same caller to the
// same API, have the same one, and no two others do.
//
//   const RequestScope scope = {.caller = caller, .api = "openai_chat", ...};
//   const std::optional<RequestKey> key =
//       KeyOfJson(scope, body, /*left_out=*/{"user", "metadata"});
//   if (!key) return;  // Nothing certain can be said of the bytes.
//
// A key is a SHA-256 over all of that: whoever can choose requests can still
// not make one that is answered with another's answer.
//
// A request of 1 KB takes about 1.5 us. Large ones belong off the loop
// (base/async/worker_pool.h).
//
// Thread-safe: free functions, with memory of each thread's own.

#ifndef SERVICE_CACHE_REQUEST_KEY_H_
#define SERVICE_CACHE_REQUEST_KEY_H_

#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "base/sha256.h"
#include "google/protobuf/message_lite.h"
#include "service/cache/canonical_json.h"

namespace gateway {

struct RequestKey {
  Sha256Digest digest = {};

  // As 64 hexadecimal digits.
  std::string Hex() const;

  friend bool operator==(const RequestKey& a, const RequestKey& b) {
    return a.digest == b.digest;
  }

  // Digests are as good as random already.
  template <typename H>
  friend H AbslHashValue(H state, const RequestKey& key) {
    size_t bits;
    std::memcpy(&bits, key.digest.data(), sizeof(bits));
    return H::combine(std::move(state), bits);
  }
};

// What is told apart beside the request itself.
struct RequestScope {
  // Whose answers these are; empty where no caller has a name.
  std::string_view caller;
  // What the answer is written in: the name of a dialect, or of a message.
  std::string_view api;
  std::string_view operation;
  bool stream = false;
  // What else an answer depends on, such as where the request would go; in an
  // order that means something.
  absl::Span<const std::string_view> varies_by;
};

// Returns the key of a request in JSON, read without its members of the names
// `left_out`; nothing where AppendCanonicalJson says so. `watched` as there.
std::optional<RequestKey> KeyOfJson(const RequestScope& scope,
                                    std::string_view body,
                                    absl::Span<const std::string_view> left_out,
                                    WatchedMember* watched = nullptr);

// Appends the bytes of a message, the same wherever it is equal; false if it
// cannot be serialized.
bool AppendMessage(const google::protobuf::MessageLite& message,
                   std::string* out);

// Returns the key of a message without its fields of the numbers `left_out`;
// nothing if it cannot be serialized.
std::optional<RequestKey> KeyOfMessage(
    const RequestScope& scope, const google::protobuf::MessageLite& message,
    absl::Span<const int> left_out);

// Returns the key of the bytes as they are, for requests of which KeyOfJson
// says nothing: the same bytes are the same request.
RequestKey KeyOfBytes(const RequestScope& scope, std::string_view body);

// Returns the numbers of the fields of GenerateRequest that have one of `names`
// - `user` and `metadata`, as vendors call them, are its `scope` and `labels` -
// and of those that say nothing of what is asked. Ascending.
std::vector<int> LeftOutOfGenerateRequest(
    absl::Span<const std::string_view> names);

// Whether answers of a dialect repeat members of their requests that mean
// nothing to the model, such as `metadata`: then none may be left out.
bool AnswersRepeatRequests(std::string_view dialect);

}  // namespace gateway

#endif  // SERVICE_CACHE_REQUEST_KEY_H_
