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
#include "providers/credential_rotation.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/embedding_dialect.h"
#include "providers/dialects/model_list_dialect.h"
#include "providers/http_endpoint.h"
#include "providers/http_faults.h"
#include "providers/provider.h"
#include "providers/provider_setup.h"

namespace gateway {

class HttpProvider : public Provider {
 public:
  // Paths are below the base URL. `{model}` in one stands for the model's name,
  // percent-encoded. Dialects outlive the provider, or are its own.
  struct Generation {
    const Dialect* dialect = nullptr;
    std::string path;
    std::string stream_path;  // Empty if it is the same.
  };

  // How a credential is shown.
  struct CredentialForm {
    std::string field;
    std::string prefix;
    // Fields that only go with it.
    std::vector<HttpRequestHead::Field> more;
  };
  using CallFields = absl::InlinedVector<HttpField, 4>;

  struct Options {
    ProviderSetup setup;
    HttpEndpoint endpoint;
    // What every request carries besides the configured fields.
    std::vector<HttpRequestHead::Field> fields;
    // The field that carries a credential, and what stands before it there.
    std::string credential_field = "authorization";
    std::string credential_prefix = "Bearer ";
    // In place of the two, where that depends on the credential; or null.
    CredentialForm (*credential_form)(std::string_view credential) = nullptr;
    // Adds the fields that depend on the call, its `forwarded_fields` among
    // them. Null: those go as they are.
    std::function<void(const ProviderCall& call, CallFields* fields)>
        call_fields;
    // The first one speaks for parsed requests; raw ones go by the one of their
    // dialect. At least one.
    std::vector<Generation> generations;
    // Keeps alive what this provider alone uses.
    std::shared_ptr<const Dialect> own_dialect;
    // Empty paths: the vendor has no such operation. Counting is in the words
    // of `count_dialect`; null for the first generation's.
    std::string count_path;
    const Dialect* count_dialect = nullptr;
    // Below which answers are found again by their ids.
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
  Task<absl::Status> AskKept(ProviderCall& call, const KeptAnswer& asked,
                             std::string* reply) const override;
  Task<absl::StatusOr<std::vector<v1::Model>>> ListModels(
      ProviderCall& call) const override;

 private:
  using Exchange = std::unique_ptr<HttpExchange>;

  // One operation's way: a head for each credential, and one without at the
  // end.
  struct Way {
    const Dialect* dialect = nullptr;
    std::string path;  // Only if it depends on the call.
    // How long the first byte may take; zero for the destination's own.
    absl::Duration first_byte_timeout = absl::ZeroDuration();
    std::vector<std::shared_ptr<const HttpRequestHead>> heads;
  };
  struct GenerationWay {
    Way whole;
    Way stream;
  };

  CredentialForm FormOf(std::string_view credential) const;
  Way MakeWay(const Options& options, std::string_view method,
              const std::string& path) const;
  const GenerationWay& WayOf(const ProviderCall& call) const;
  // The caller's own, if it goes with the call; empty if none does.
  std::string_view CallersCredential(const ProviderCall& call) const;
  // Which of the configured credentials goes with a call; as many as there are
  // if none does.
  size_t PickCredential(const ProviderCall& call) const;

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
  Task<absl::Status> ReadFailure(const Way& way, const ProviderCall& call,
                                 HttpExchange& exchange) const;
  absl::Status CountsNothing() const;
  // What the provider's policy says to parameters that could not be carried:
  // those that `call.warnings` tells of from the `first` on.
  absl::Status RefuseDropped(const ProviderCall& call, size_t first) const;

  const ProviderSetup setup_;
  const HttpFaults faults_;
  const std::string credential_field_;
  const std::string credential_prefix_;
  CredentialForm (*const credential_form_)(std::string_view credential);
  const std::function<void(const ProviderCall&, CallFields*)> call_fields_;
  const CredentialRotation rotation_;
  const std::shared_ptr<const Dialect> own_dialect_;
  std::vector<GenerationWay> generations_;
  // Without heads if there is no such operation.
  Way count_;
  Way embed_;
  Way models_;
  // Of kept answers: below their path.
  std::string kept_path_;
  Way kept_get_;
  Way kept_post_;
  Way kept_delete_;
  const EmbeddingDialect* const embedding_dialect_;
  const ModelListDialect* const model_list_dialect_;
};

}  // namespace gateway

#endif  // PROVIDERS_HTTP_PROVIDER_H_
