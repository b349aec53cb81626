// UpstreamFields is what the head of a provider's answer says that others may
// know: the vendor's own id of the request, which its support asks for, and
// how much of its rate limits is left. Callers get them under names of ours:
//
//   x-request-id: req_1                    x-llmgateway-upstream-request-id
//   x-ratelimit-remaining-tokens: 9       ...-ratelimit-remaining-tokens
//   anthropic-ratelimit-tokens-reset: t   ...-anthropic-ratelimit-tokens-reset
//
//   fields.Take(exchange);
//   FieldViews views;
//   for (const HttpField& field : fields.View(views)) Tell(field);
//
// They lie in recycled memory; an answer without any takes none.
//
// Thread-compatible.

#ifndef PROVIDERS_UPSTREAM_FIELDS_H_
#define PROVIDERS_UPSTREAM_FIELDS_H_

#include <string_view>

#include "absl/types/span.h"
#include "base/http/field_block.h"
#include "base/http/http_client.h"
#include "base/text/short_text.h"

namespace gateway {

class UpstreamFields {
 public:
  static constexpr std::string_view kPrefix = "x-llmgateway-upstream-";

  // Fields beyond this number, and longer ones, are dropped.
  static constexpr int kFieldsLimit = 24;
  static constexpr size_t kNameBytesLimit = 64;
  static constexpr size_t kValueBytesLimit = 128;

  // Takes the fields of an answer in place of those taken before.
  void Take(const HttpExchange& exchange);

  // Returns the vendor's id of the request; empty if it told none.
  std::string_view request_id() const { return request_id_; }

  // Whether the answer says of a rate limit that nothing is left of it
  // (providers/limit_reset.h).
  bool tells_spent_limit() const { return tells_spent_limit_; }

  // Returns what callers are told: names in lower case, values of visible ASCII
  // that neither begin nor end with a space. The views end with the next Take.
  absl::Span<const HttpField> View(FieldViews& views) const {
    return block_.View(views);
  }
  const FieldBlock& block() const { return block_; }
  bool empty() const { return block_.empty(); }

 private:
  FieldBlock block_;
  ShortText request_id_;
  bool tells_spent_limit_ = false;
};

}  // namespace gateway

#endif  // PROVIDERS_UPSTREAM_FIELDS_H_
