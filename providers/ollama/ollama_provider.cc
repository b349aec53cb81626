#include "providers/ollama/ollama_provider.h"

#include <string>
#include <utility>

#include "base/status_macros.h"
#include "providers/dialects/ollama/embeddings.h"
#include "providers/dialects/ollama/model_list.h"
#include "providers/dialects/ollama/ollama.h"
#include "providers/http_endpoint.h"
#include "providers/http_provider.h"

namespace gateway {
namespace {

// The dialects of one server: what it is told depends on the configuration.
struct Dialects {
  explicit Dialects(const std::string& keep_alive)
      : chat(keep_alive), embeddings(keep_alive) {}

  const Ollama chat;
  const OllamaEmbeddings embeddings;
  const OllamaModelList models;
};

// An HttpProvider that owns its dialects.
class OllamaProvider final : public HttpProvider {
 public:
  OllamaProvider(Options options, std::unique_ptr<const Dialects> dialects)
      : HttpProvider(std::move(options)), dialects_(std::move(dialects)) {}

 private:
  const std::unique_ptr<const Dialects> dialects_;
};

constexpr ProviderSetting kSettings[] = {
    {.field = "base_url", .value = "http://127.0.0.1:11434"},
};

}  // namespace

absl::StatusOr<std::unique_ptr<Provider>> MakeOllamaProvider(
    const ProviderSetup& setup,
    const llmgateway::config::v1::OllamaProvider& config) {
  auto dialects = std::make_unique<const Dialects>(config.keep_alive());
  HttpProvider::Options options;
  options.setup = setup;
  GATEWAY_ASSIGN_OR_RETURN(
      options.endpoint, HttpEndpoint::Make(config.base_url(), config.http()));
  options.generations = {{&dialects->chat, "/api/chat", ""}};
  options.embed_path = "/api/embed";
  options.embedding_dialect = &dialects->embeddings;
  options.models_path = "/api/tags";
  options.model_list_dialect = &dialects->models;
  return std::make_unique<OllamaProvider>(std::move(options),
                                          std::move(dialects));
}

constinit const ProviderKind kOllamaKind = {
    .name = "ollama",
    .settings = kSettings,
    .lists_models = true,
    .make =
        [](const ProviderSetup& setup, const ProviderKind::Config& config) {
          return MakeOllamaProvider(setup, config.ollama());
        },
};

}  // namespace gateway
