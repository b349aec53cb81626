#include "service/config/ledger_validator.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "llmgateway/config/v1/ledger.pb.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::LedgerConfig;

// As of record_defaults.cc.
constexpr char kLedgerFileName[] = "ledger.db";
constexpr char kLedgerPath[] = "ledger.path";
constexpr size_t kLedgerPathBytesMax = 1024;

}  // namespace

std::string LedgerFile(const GatewayConfig& config) {
  const std::string& path = config.ledger().path();
  if (absl::StartsWith(path, "/")) return path;
  const std::string& folder = config.runtime().state_dir();
  return absl::StrCat(folder, absl::EndsWith(folder, "/") ? "" : "/", path);
}

void PutLedgerUnder(std::string_view folder, GatewayConfig* config) {
  if (folder.empty() || !config->has_ledger()) return;
  LedgerConfig& ledger = *config->mutable_ledger();
  const std::string path =
      ledger.path().empty() ? kLedgerFileName : ledger.path();
  if (absl::StartsWith(path, "/")) return;
  ledger.set_path(
      absl::StrCat(ToAbsl(folder), folder.ends_with('/') ? "" : "/", path));
}

void CheckLedger(const GatewayConfig& config, const FieldPlaces& places,
                 ConfigProblems* problems) {
  if (!config.has_ledger()) return;
  const std::string& path = config.ledger().path();
  if (path.size() > kLedgerPathBytesMax || absl::EndsWith(path, "/") ||
      std::any_of(path.begin(), path.end(), absl::ascii_iscntrl)) {
    problems->Add(places.Find(kLedgerPath), kLedgerPath,
                  "is no file's name: at most 1024 bytes, no control "
                  "characters, and no / at its end");
  }
  if (!absl::StartsWith(path, "/") && config.runtime().state_dir().empty()) {
    problems->Add(places.Find("ledger"), kLedgerPath,
                  "needs runtime.state_dir, or to begin with /");
  }
  if (config.runtime().replicas() > 1) {
    problems->Warn(places.Find("ledger"), "ledger",
                   absl::StrCat("each process writes a ledger of its own, and "
                                "runtime.replicas says that there are ",
                                config.runtime().replicas(),
                                "; give each a file of its own"));
  }
  if (config.ledger().record_texts()) {
    problems->Warn(places.Find("ledger.record_texts"), "ledger.record_texts",
                   "writes prompts and answers where nothing can be deleted");
  }
}

}  // namespace gateway
