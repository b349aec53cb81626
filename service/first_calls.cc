#include "service/first_calls.h"

#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/net/host_port.h"
#include "base/string_view.h"
#include "providers/provider_kind.h"
#include "service/config/caller_methods_validator.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

// Returns the path of the program that a shell with this PATH would run; empty
// if there is none.
std::string FindProgram(std::string_view name, const Environment& environment) {
  const auto path = environment.find("PATH");
  if (path == environment.end()) return "";
  for (const absl::string_view folder : absl::StrSplit(path->second, ':')) {
    std::string program = absl::StrCat(folder, "/", ToAbsl(name));
    if (folder.empty() || access(program.c_str(), X_OK) != 0) continue;
    return program;
  }
  return "";
}

// Returns an address at which the gateway can be called that listens there.
std::string Reachable(const std::string& address) {
  const absl::StatusOr<HostPort> parts = ParseHostPort(address);
  return parts.ok() ? AddressToCall(*parts) : address;
}

// Returns the word as each shell takes it: to some, brackets are a pattern.
std::string InShell(std::string word) {
  return absl::StrContains(word, '[') ? absl::StrCat("'", word, "'") : word;
}

// Returns a model that this configuration seems to serve, one of a simulated
// provider before others; empty if it names none.
std::string ModelToTry(const ConfigSnapshot& snapshot) {
  const configv1::GatewayConfig& config = snapshot.config();
  for (const bool simulated : {true, false}) {
    for (const configv1::ProviderConfig& provider : config.providers()) {
      const ProviderKind& kind = *snapshot.kinds().Find(provider);
      if (kind.simulated == simulated && !provider.models().empty()) {
        return provider.models(0);
      }
    }
  }
  for (const configv1::ModelRule& rule : config.routing().model_rules()) {
    if (!rule.exact().empty()) return rule.exact();
    if (!rule.alias().empty()) return rule.alias();
  }
  return config.routing().default_target().model();
}

// Returns what a shell replaces by the key that a configuration refers to.
std::string KeyInShell(const std::string& reference) {
  if (absl::StartsWith(reference, "env:")) return "$" + reference.substr(4);
  std::error_code error;
  const std::filesystem::path file =
      std::filesystem::absolute(reference.substr(5), error);
  return absl::StrCat(
      "$(cat '", absl::StrReplaceAll(file.string(), {{"'", "'\\''"}}), "')");
}

// Returns a key that callers may show, as a shell expands it; nothing if none
// is needed.
std::optional<std::string> CallerKeyInShell(
    const configv1::GatewayConfig& config) {
  const auto& keys = config.auth().callers().api_keys();
  for (const configv1::ApiKey& key : keys) {
    if (key.has_key() && key.state() != configv1::ApiKey::STATE_DISABLED) {
      return KeyInShell(key.key());
    }
  }
  // For a key that is given as a digest, or a token, a variable that its owner
  // can set.
  if (HasCallerMethod(config.auth().callers())) return "$GATEWAY_KEY";
  return std::nullopt;
}

std::vector<std::string> KeylessProviders(const ConfigSnapshot& config) {
  std::vector<std::string> names;
  for (const configv1::ProviderConfig& provider :
       config.config().providers()) {
    if (config.CredentialOf(provider.name()) ==
        ConfigSnapshot::Credential::kAbsent) {
      names.push_back(provider.name());
    }
  }
  return names;
}

class FirstCallsText {
 public:
  FirstCallsText(const App::Addresses& at, const ConfigSnapshot& config,
                 const Environment& environment)
      : at_(at),
        config_(config),
        grpcurl_(FindProgram("grpcurl", environment)),
        model_(ModelToTry(config)),
        key_(CallerKeyInShell(config.config())) {}

  std::string Write() {
    text_ = "\nllm-gateway is ready:\n\n";
    AddListener("gRPC", "grpc", at_.grpc);
    AddListener("HTTP", "http", at_.http);
    AddListener("admin gRPC", "admin", at_.admin);
    AddListener("operations", "operations", at_.operations);
    if (!at_.admin_http.empty()) {
      AddListener("admin HTTP", "admin_http", at_.admin_http);
    }
    absl::StrAppend(&text_, "\nFirst calls:\n");
    AddCalls();
    AddNotes();
    return std::move(text_);
  }

 private:
  void AddListener(std::string_view what, std::string_view listener,
                   const std::string& address) {
    constexpr size_t kColumn = 12;
    const bool tls = config_.FindTls(listener) != nullptr;
    absl::StrAppend(&text_, "  ", ToAbsl(what),
                    std::string(kColumn - what.size(), ' '), address,
                    tls ? "  TLS" : "", "\n");
  }

  void AddCalls() {
    const std::string model =
        absl::StrCat("\"model\":\"", model_.empty() ? "MODEL" : model_, "\"");
    const std::string message =
        "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]";
    const std::string prompt = absl::StrCat(
        "{", model,
        ",\"messages\":[{\"role\":\"ROLE_USER\",\"parts\":[{\"text\":"
        "\"Hello\"}]}]}");
    AddGenerate("Generate", prompt);
    AddGenerate("StreamGenerate", prompt);
    AddPost("-s", "/v1/chat/completions", {model, message});
    AddPost("-sN", "/v1/chat/completions",
            {model, "\"stream\":true", message});
    AddPost("-s", "/v1/messages", {model, "\"max_tokens\":64", message});
    AddPost("-s", "/v1/responses", {model, "\"input\":\"Hello\""});
    AddCommand({Curl("-s", "http"), Url("http", at_.http, "/v1/models"),
                HttpKey()});
    AddGrpcurl({"grpc.health.v1.Health/Check"});
    AddGrpcurl({"list"});
    AddCommand({Curl("-s", "operations"),
                Url("operations", at_.operations, "/readyz")});
  }

  void AddGenerate(std::string_view method, const std::string& request) {
    std::string words = absl::StrCat("-d '", request, "'");
    if (key_.has_value()) {
      absl::StrAppend(&words, " -H \"authorization: Bearer ", *key_, "\"");
    }
    AddGrpcurl(
        {absl::StrCat("llmgateway.v1.GatewayService/", ToAbsl(method))},
        words);
  }

  void AddGrpcurl(const std::vector<std::string>& last,
                  const std::string& flags = "") {
    const ConfigSnapshot::Tls* const tls = config_.FindTls("grpc");
    std::string security = "-plaintext";
    if (tls != nullptr) security = "-insecure";
    if (tls != nullptr && tls->client_ca.has_value()) {
      absl::StrAppend(&security, " -cert client.crt -key client.key");
    }
    AddCommand({grpcurl_.empty() ? "grpcurl" : grpcurl_, security, flags,
                InShell(Reachable(at_.grpc)), absl::StrJoin(last, " ")});
  }

  void AddPost(std::string_view flags, std::string_view path,
               const std::vector<std::string>& fields) {
    AddCommand({Curl(flags, "http"), Url("http", at_.http, path),
                "-H 'content-type: application/json'", HttpKey(),
                absl::StrCat("-d '{", absl::StrJoin(fields, ","), "}'")});
  }

  std::string Curl(std::string_view flags, std::string_view listener) const {
    const ConfigSnapshot::Tls* const tls = config_.FindTls(listener);
    std::string command = absl::StrCat("curl ", ToAbsl(flags));
    if (tls != nullptr) absl::StrAppend(&command, "k");
    if (tls != nullptr && tls->client_ca.has_value()) {
      absl::StrAppend(&command, " --cert client.crt --key client.key");
    }
    return command;
  }

  std::string Url(std::string_view listener, const std::string& address,
                  std::string_view path) const {
    return InShell(absl::StrCat(
        config_.FindTls(listener) == nullptr ? "http://" : "https://",
        Reachable(address), ToAbsl(path)));
  }

  std::string HttpKey() const {
    if (!key_.has_value()) return "";
    return absl::StrCat("-H \"authorization: Bearer ", *key_, "\"");
  }

  void AddCommand(std::vector<std::string> words) {
    std::erase(words, "");
    absl::StrAppend(&text_, "\n  ", absl::StrJoin(words, " "), "\n");
  }

  void AddNotes() {
    text_.push_back('\n');
    if (grpcurl_.empty()) {
      text_ += "grpcurl is not in the PATH; make deps installs it.\n";
    }
    if (model_.empty()) text_ += "Put a model's name for MODEL.\n";
    if (key_.has_value()) {
      absl::StrAppend(&text_, "Calls show a caller's key: ", *key_,
                      " must lead to one in your shell.\n");
    }
    if (HasTls()) {
      text_ +=
          "-k and -insecure do without the certificate's check: good for a "
          "first try only.\n";
    }
    if (WantsClientCertificates()) {
      text_ +=
          "client.crt and client.key stand for a certificate of a client and "
          "its key.\n";
    }
    const std::vector<std::string> keyless = KeylessProviders(config_);
    if (!keyless.empty()) {
      absl::StrAppend(&text_, "Without a key, so that their models are not "
                      "served: ", absl::StrJoin(keyless, ", "),
                      ".\nThe warnings above name the variables to set before "
                      "a start.\n");
    }
    text_ += "Ctrl-C ends the gateway.\n\n";
  }

  bool HasTls() const {
    return config_.FindTls("grpc") != nullptr ||
           config_.FindTls("http") != nullptr ||
           config_.FindTls("operations") != nullptr;
  }

  bool WantsClientCertificates() const {
    for (const char* listener : {"grpc", "http", "operations"}) {
      const ConfigSnapshot::Tls* const tls = config_.FindTls(listener);
      if (tls != nullptr && tls->client_ca.has_value()) return true;
    }
    return false;
  }

  const App::Addresses& at_;
  const ConfigSnapshot& config_;
  const std::string grpcurl_;
  const std::string model_;
  const std::optional<std::string> key_;
  std::string text_;
};

}  // namespace

std::string FirstCalls(const App::Addresses& at, const ConfigSnapshot& config,
                       const Environment& environment) {
  return FirstCallsText(at, config, environment).Write();
}

}  // namespace gateway
