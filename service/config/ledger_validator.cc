#include "service/config/ledger_validator.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/postgres/conninfo.h"
#include "base/string_view.h"
#include "llmgateway/config/v1/ledger.pb.h"
#include "service/config/secret_reference.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::LedgerConfig;

// As of record_defaults.cc.
constexpr char kLedgerFileName[] = "ledger.db";
constexpr char kLedgerPath[] = "ledger.path";
constexpr size_t kLedgerPathBytesMax = 1024;
constexpr size_t kConnectionBytesMax = 4096;
// PostgreSQL cuts longer names.
constexpr size_t kSchemaBytesMax = 63;

bool IsSchemaName(std::string_view name) {
  return !name.empty() && name.size() <= kSchemaBytesMax &&
         !absl::ascii_isdigit(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), [](char each) {
           return each == '_' || (each >= 'a' && each <= 'z') ||
                  (each >= '0' && each <= '9');
         });
}

// What others may do by the way that the database is reached.
std::string_view DangerOf(const std::string& connection) {
  switch (ServerTrustOf(connection)) {
    case ServerTrust::kVerified:
      return {};
    case ServerTrust::kUnverified:
      return "names a server on another machine and does not look at its "
             "certificate: whoever answers is sent the password and the "
             "entries; add sslmode=verify-full";
    case ServerTrust::kInClear:
      return "names a server on another machine and does not insist on TLS: "
             "the password and the entries may be read on the way; add "
             "sslmode=verify-full";
  }
  return {};
}

void CheckLedgerPostgres(const GatewayConfig& config, const FieldPlaces& places,
                         ConfigProblems* problems) {
  const LedgerConfig& ledger = config.ledger();
  const auto add = [&](const std::string& field, std::string_view message) {
    problems->Add(places.Find(field), field, message);
  };
  const struct {
    const char* field;
    bool is_given;
  } of_files[] = {
      {kLedgerPath, !ledger.path().empty()},
      {"ledger.sync", ledger.sync() != LedgerConfig::SYNC_UNSPECIFIED},
      {"ledger.file_bytes_limit", ledger.has_file_bytes_limit()}};
  for (const auto& [field, is_given] : of_files) {
    if (!is_given) continue;
    add(field, "is of a ledger that is a file; leave it out beside postgres");
  }
  const std::string& connection = ledger.postgres().connection();
  if (connection.empty() || connection.size() > kConnectionBytesMax) {
    add("ledger.postgres.connection",
        "must be 1 to 4096 bytes: where the database is, such as "
        "`host=db.example dbname=ledger user=gateway`");
  } else if (const absl::Status read = CheckConninfo(connection); !read.ok()) {
    add("ledger.postgres.connection", ToStd(read.message()));
  } else if (const std::string_view danger = DangerOf(connection);
             !danger.empty()) {
    problems->Warn(places.Find("ledger.postgres.connection"),
                   "ledger.postgres.connection", danger);
  }
  const std::string& password = ledger.postgres().password();
  if (!password.empty()) {
    const absl::Status reference = SecretReference::Parse(password).status();
    if (!reference.ok()) {
      add("ledger.postgres.password", ToStd(reference.message()));
    }
  }
  if (!IsSchemaName(ledger.postgres().schema())) {
    add("ledger.postgres.schema",
        "must be 1 to 63 of small letters, digits and _, no digit first");
  }
  if (config.runtime().state_dir().empty()) {
    add("ledger.postgres",
        "needs runtime.state_dir, where the indexes are that find entries");
  }
}

void CheckLedgerFile(const GatewayConfig& config, const FieldPlaces& places,
                     ConfigProblems* problems) {
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
                                "; give each a file of its own, or all of them "
                                "ledger.postgres"));
  }
}

}  // namespace

std::string LedgerFile(const GatewayConfig& config) {
  const std::string& path = config.ledger().path();
  if (absl::StartsWith(path, "/")) return path;
  const std::string& folder = config.runtime().state_dir();
  return absl::StrCat(folder, absl::EndsWith(folder, "/") ? "" : "/", path);
}

void PutLedgerUnder(std::string_view folder, GatewayConfig* config) {
  if (folder.empty() || !config->has_ledger() ||
      config->ledger().has_postgres()) {
    return;
  }
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
  if (config.ledger().has_postgres()) {
    CheckLedgerPostgres(config, places, problems);
  } else {
    CheckLedgerFile(config, places, problems);
  }
  if (config.ledger().record_texts()) {
    problems->Warn(places.Find("ledger.record_texts"), "ledger.record_texts",
                   "writes prompts and answers where nothing can be deleted");
  }
}

}  // namespace gateway
