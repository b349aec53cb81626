// HttpProvider is every provider that is reached over HTTP: an endpoint,
// credentials, and for each thing that can be asked a path and the dialect that
// says it. The folders beside this file say what those are for each vendor;
// this file is how they are put together.
//
// Raw calls go through untouched but for the dialect's edits; events of raw
// streams are forwarded whole and as they were, and read along the way.
//
// Thread contract: immutable, shared by all loops.

#ifndef PROVIDERS_HTTP_PROVIDER_H_
#define PROVIDERS_HTTP_PROVIDER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/task.h"
#include "base/http/http_client.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/embedding_dialect.h"
#include "providers/dialects/model_list_dialect.h"
#include "providers/http_credentials.h"
#include "providers/http_endpoint.h"
#include "providers/http_faults.h"
#include "providers/http_stream.h"
#include "providers/provider.h"
#include "providers/provider_setup.h"
#include "providers/upstream_fields.h"

namespace gateway {

class HttpProvider : public Provider {
 public:
  // One operation in one dialect. Paths are below the base URL; `{model}` in
  // one stands for the model's name, percent-encoded. Dialects outlive the
  // provider, or are in own_dialect.
  struct Generation {
    const Dialect* dialect = nullptr;
    std::string path;
    std::string stream_path;  // Empty if it is the same as `path`.
  };

  using CallFields = absl::InlinedVector<HttpField, 4>;

  struct Options {
    ProviderSetup setup;
    HttpEndpoint endpoint;
    // Fields that every request carries besides the configured ones.
    std::vector<HttpRequestHead::Field> fields;
    // How the credential is carried.
    CredentialForm credential = {.field = "authorization", .prefix = "Bearer "};
    // Replaces that where it depends on the credential; null otherwise.
    CredentialForm (*credential_form)(std::string_view credential) = nullptr;
    // Adds the fields that depend on the call, its `forwarded_fields` among
    // them. If null, those are sent as they are.
    std::function<void(const ProviderCall& call, CallFields* fields)>
        call_fields;
    // The operations to generate: the first serves parsed requests; a raw
    // request uses the one of its dialect. At least one.
    std::vector<Generation> generations;
    // Keeps dialects alive that only this provider uses.
    std::shared_ptr<const Dialect> own_dialect;
    // Path of counting; empty if the vendor has no such operation. Counts are
    // written in `count_dialect`, or the first generation's if null.
    std::string count_path;
    const Dialect* count_dialect = nullptr;
    // Path below which kept answers are found by their ids; empty if there are
    // none.
    std::string kept_path;
    std::string embed_path;
    const EmbeddingDialect* embedding_dialect = nullptr;
    std::string models_path;
    const ModelListDialect* model_list_dialect = nullptr;
  };

  explicit HttpProvider(Options options);

  std::string_view name() const override { return setup_.name; }
  const Dialect* FindDialect(std::string_view name) const override;

  Task<absl::Status> Generate(ProviderCall& call,
                              ProviderAnswer* answer) const override;
  Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> Stream(
      ProviderCall& call) const override;
  bool ForwardsCount(const RawRequest& raw,
                     std::string_view model) const override;
  Task<absl::StatusOr<int64_t>> CountTokens(ProviderCall& call) const override;
  Task<absl::Status> Embed(ProviderCall& call,
                           v1::EmbedResponse* response) const override;
  Task<absl::Status> AskStored(ProviderCall& call,
                               const StoredResponseQuery& asked,
                               std::string* reply) const override;
  Task<absl::StatusOr<std::vector<v1::Model>>> ListModels(
      ProviderCall& call) const override;

 private:
  using Exchange = std::unique_ptr<HttpExchange>;

  // How one operation is sent: a head for each credential, and one without at
  // the end.
  struct Way {
    const Dialect* dialect = nullptr;
    std::string path;  // Set only if it depends on the call.
    // Time until the first byte; zero for the destination's own.
    absl::Duration first_byte_timeout = absl::ZeroDuration();
    std::vector<std::shared_ptr<const HttpRequestHead>> heads;
  };
  struct GenerationWay {
    Way whole;
    Way stream;
  };

  Way MakeWay(const Options& options, std::string_view method,
              const std::string& path) const;
  const GenerationWay& WayOf(const ProviderCall& call) const;

  // Sends the call and waits for the head of a successful answer.
  Task<absl::StatusOr<Exchange>> Dispatch(ProviderCall& call,
                                          bool stream) const;
  Task<absl::StatusOr<Exchange>> Send(ProviderCall& call, const Way& way,
                                      absl::Span<const std::string_view> body,
                                      std::string* body_memory) const;
  // Sends `body` and waits for the whole of a successful answer, which `read`
  // understands.
  template <typename Read>
  Task<absl::Status> Ask(ProviderCall& call, const Way& way,
                         absl::Span<const std::string_view> body,
                         Read read) const;
  HttpStreamOptions StreamOptions(ProviderCall& call) const;
  Task<absl::Status> ReadFailure(const Way& way, const ProviderCall& call,
                                 HttpExchange& exchange) const;
  absl::Status CountsNothing() const;
  // Applies the provider's policy to parameters that could not be carried:
  // those that `call.warnings` names from the `first` on.
  absl::Status RefuseDropped(const ProviderCall& call, size_t first) const;

  const ProviderSetup setup_;
  const HttpFaults faults_;
  const HttpCredentials credentials_;
  const std::function<void(const ProviderCall&, CallFields*)> call_fields_;
  const std::shared_ptr<const Dialect> own_dialect_;
  std::vector<GenerationWay> generations_;
  // Each is without heads if the vendor has no such operation.
  Way count_;
  Way embed_;
  Way models_;
  // For kept answers: below their path.
  std::string kept_path_;
  Way kept_get_;
  Way kept_post_;
  Way kept_delete_;
  const EmbeddingDialect* const embedding_dialect_;
  const ModelListDialect* const model_list_dialect_;
};

}  // namespace gateway

#endif  // PROVIDERS_HTTP_PROVIDER_H_
