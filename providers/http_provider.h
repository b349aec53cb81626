// HttpProvider is every provider that is reached over HTTP: a dialect, an
// endpoint and a credential. The folders beside this file say what those are
// for each vendor; this file is how the two are put together.
//
// Raw calls go through untouched but for the dialect's edits; events of raw
// streams are forwarded whole and as they were, and read along the way.
//
// Thread contract: immutable, shared by all loops.

#ifndef PROVIDERS_HTTP_PROVIDER_H_
#define PROVIDERS_HTTP_PROVIDER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/http_client.h"
#include "base/secret.h"
#include "base/task.h"
#include "providers/dialects/dialect.h"
#include "providers/provider.h"

namespace gateway {

class HttpProvider : public Provider {
 public:
  struct Options {
    std::string name;
    // Outlives the provider.
    const Dialect* dialect = nullptr;
    // POST of a request to generate.
    std::shared_ptr<const HttpRequestHead> generate;
    // POST of a request whose tokens are to be counted; null if the vendor
    // has no such operation.
    std::shared_ptr<const HttpRequestHead> count_tokens;
    // What the heads carry; empty if nothing. Vendors like to repeat it in
    // their errors, where it is blotted out.
    Secret credential{""};
    // One event of a stream, at most.
    size_t event_bytes_limit = 1024 * 1024;
  };

  explicit HttpProvider(Options options);

  std::string_view name() const override { return options_.name; }
  const Dialect* dialect() const override { return options_.dialect; }

  Task<absl::Status> Generate(ProviderCall& call,
                              ProviderAnswer* answer) const override;
  Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> Stream(
      ProviderCall& call) const override;
  Task<absl::StatusOr<int64_t>> CountTokens(
      ProviderCall& call) const override;

 protected:
  // The body of a counting request and the count in its answer, in the
  // vendor's words. Only asked when Options::count_tokens is set.
  virtual absl::StatusOr<std::string> WriteCountRequest(
      const ProviderCall& call) const;
  virtual absl::StatusOr<int64_t> ReadCount(std::string_view body) const;

 private:
  class RawStream;
  class ParsedStream;

  // Sends the call and waits for the head of a successful answer.
  Task<absl::StatusOr<std::unique_ptr<HttpExchange>>> Dispatch(
      ProviderCall& call, bool stream) const;
  Task<absl::StatusOr<std::unique_ptr<HttpExchange>>> Send(
      ProviderCall& call, const HttpRequestHead& head,
      absl::Span<const std::string_view> body,
      std::string* body_memory) const;
  Task<absl::Status> ReadFailure(HttpExchange& exchange) const;

  // The fault for a transport error.
  absl::Status TransportFault(const absl::Status& status,
                              const TryProgress& progress) const;
  // The fault for what the dialect says of an answer.
  absl::Status Blame(const absl::Status& status) const;
  absl::Status BadResponse(std::string_view why) const;

  const Options options_;
};

}  // namespace gateway

#endif  // PROVIDERS_HTTP_PROVIDER_H_
