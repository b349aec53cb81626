#include "service/config/audit_validator.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

using ::google::protobuf::RepeatedPtrField;
using ::llmgateway::config::v1::AuditBodyRule;
using ::llmgateway::config::v1::AuditConfig;
using ::llmgateway::config::v1::AuditRedaction;
using ::llmgateway::config::v1::GatewayConfig;

constexpr size_t kAuditPathBytesMax = 1024;
constexpr size_t kBodyRulesMax = 1000;
constexpr size_t kBodyGlobsMax = 1000;
constexpr size_t kBodyApisMax = 16;
constexpr size_t kBuiltInPatternsMax = 16;
constexpr size_t kOwnPatternsMax = 100;
constexpr size_t kJsonPathsMax = 100;
constexpr size_t kAuditKeysMax = 64;
constexpr size_t kAuditNameBytesMax = 64;
constexpr size_t kRegexBytesMax = 1024;
constexpr std::string_view kAuditedApis[] = {"grpc", "openai", "anthropic",
                                             "gemini", "chat"};

bool IsAuditName(std::string_view name) {
  return !name.empty() && name.size() <= kAuditNameBytesMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                  c == '-' || c == '_' || c == '.';
         });
}

class AuditCheck {
 public:
  AuditCheck(const GatewayConfig& config, const FieldPlaces& places,
             ConfigProblems& problems)
      : config_(config),
        audit_(config.audit()),
        places_(places),
        problems_(problems) {}

  void CheckFile();
  void CheckBodies();
  void CheckRedaction();
  void CheckEncryption();

 private:
  void Add(const std::string& path, std::string_view message) {
    problems_.Add(places_.Find(path), path, message);
  }
  bool HasAtMost(const std::string& path, int count, size_t most) {
    return CheckCount(path, static_cast<size_t>(count), most, places_,
                      &problems_);
  }
  void CheckRule(const std::string& path, const AuditBodyRule& rule);
  void CheckGlobs(const std::string& path,
                  const RepeatedPtrField<std::string>& globs, size_t most);
  // Names must be right, and each another.
  void CheckName(const std::string& path, const std::string& name,
                 absl::flat_hash_set<std::string>* taken);

  const GatewayConfig& config_;
  const AuditConfig& audit_;
  const FieldPlaces& places_;
  ConfigProblems& problems_;
};

void AuditCheck::CheckFile() {
  const std::string& file = audit_.file();
  const std::string path = "audit.file";
  if (file.size() > kAuditPathBytesMax || absl::EndsWith(file, "/") ||
      std::any_of(file.begin(), file.end(), absl::ascii_iscntrl)) {
    Add(path,
        absl::StrCat("must be the path of a file, at most ", kAuditPathBytesMax,
                     " bytes, without control characters"));
  } else if (AuditFile(config_).empty()) {
    Add(path,
        absl::StrCat("is '", file,
                     "', which counts from runtime.state_dir, and there is "
                     "none; set that, or give a path that begins with '/'"));
  }
}

void AuditCheck::CheckGlobs(const std::string& path,
                            const RepeatedPtrField<std::string>& globs,
                            size_t most) {
  if (!HasAtMost(path, globs.size(), most)) return;
  for (int i = 0; i < globs.size(); ++i) {
    if (!globs[i].empty()) continue;
    Add(ElementPath(path, static_cast<size_t>(i)),
        "is empty, which nothing is; leave it out");
  }
}

void AuditCheck::CheckRule(const std::string& path, const AuditBodyRule& rule) {
  CheckGlobs(JoinPath(path, "routes"), rule.routes(), kBodyGlobsMax);
  CheckGlobs(JoinPath(path, "callers"), rule.callers(), kBodyGlobsMax);
  CheckGlobs(JoinPath(path, "owners"), rule.owners(), kBodyGlobsMax);
  const std::string apis = JoinPath(path, "apis");
  CheckGlobs(apis, rule.apis(), kBodyApisMax);
  for (int i = 0; i < rule.apis_size(); ++i) {
    const std::string& api = rule.apis(i);
    if (absl::StrContains(api, "*") ||
        std::find(std::begin(kAuditedApis), std::end(kAuditedApis), api) !=
            std::end(kAuditedApis)) {
      continue;
    }
    Add(ElementPath(apis, static_cast<size_t>(i)),
        absl::StrCat("is '", api,
                     "', which is no API; there are grpc, openai, anthropic, "
                     "gemini and chat"));
  }
}

void AuditCheck::CheckBodies() {
  if (!HasAtMost("audit.bodies", audit_.bodies_size(), kBodyRulesMax)) return;
  bool keeps_any = false;
  for (int i = 0; i < audit_.bodies_size(); ++i) {
    const AuditBodyRule& rule = audit_.bodies(i);
    CheckRule(ElementPath("audit.bodies", static_cast<size_t>(i)), rule);
    keeps_any |= rule.request() || rule.response();
  }
  if (!keeps_any || audit_.has_encryption()) return;
  problems_.Warn(places_.Find("audit.bodies"), "audit.bodies",
                 "are kept for whoever can read the file, since there is no "
                 "audit.encryption; give it a key");
}

void AuditCheck::CheckName(const std::string& path, const std::string& name,
                           absl::flat_hash_set<std::string>* taken) {
  if (!IsAuditName(name)) {
    Add(path, "must be 1 to 64 of letters, digits and '-_.'");
  } else if (!taken->insert(name).second) {
    Add(path, absl::StrCat("is '", name,
                           "', as another before it; give each its own"));
  }
}

void AuditCheck::CheckRedaction() {
  const AuditRedaction& redaction = audit_.redaction();
  const std::string path = "audit.redaction";
  const std::string patterns = JoinPath(path, "patterns");
  HasAtMost(patterns, redaction.patterns_size(), kBuiltInPatternsMax);
  for (int i = 0; i < redaction.patterns_size(); ++i) {
    const std::string element = ElementPath(patterns, static_cast<size_t>(i));
    if (redaction.patterns(i) == AuditRedaction::PATTERN_UNSPECIFIED) {
      Add(element, "must be keys, tokens, email, card_number or, alone, none");
    } else if (redaction.patterns(i) == AuditRedaction::PATTERN_NONE &&
               redaction.patterns_size() > 1) {
      Add(element, "is none, which must be alone; remove it or the others");
    }
  }
  const std::string own = JoinPath(path, "own_patterns");
  if (!HasAtMost(own, redaction.own_patterns_size(), kOwnPatternsMax)) return;
  absl::flat_hash_set<std::string> taken;
  for (int i = 0; i < redaction.own_patterns_size(); ++i) {
    const auto& pattern = redaction.own_patterns(i);
    const std::string element = ElementPath(own, static_cast<size_t>(i));
    CheckName(JoinPath(element, "name"), pattern.name(), &taken);
    const std::string regex = JoinPath(element, "regex");
    if (pattern.regex().empty() || pattern.regex().size() > kRegexBytesMax) {
      Add(regex, "must have 1 to 1024 bytes");
      continue;
    }
    const absl::Status usable = RedactionPatterns::Check(
        {.name = pattern.name(), .regex = pattern.regex()});
    if (!usable.ok()) Add(regex, ToStd(usable.message()));
  }
  const std::string paths = JoinPath(path, "json_paths");
  if (!HasAtMost(paths, redaction.json_paths_size(), kJsonPathsMax)) return;
  for (int i = 0; i < redaction.json_paths_size(); ++i) {
    const absl::Status usable =
        JsonPath::Parse(redaction.json_paths(i)).status();
    if (!usable.ok()) {
      Add(ElementPath(paths, static_cast<size_t>(i)), ToStd(usable.message()));
    }
  }
}

void AuditCheck::CheckEncryption() {
  if (!audit_.has_encryption()) return;
  const std::string path = "audit.encryption.keys";
  const auto& keys = audit_.encryption().keys();
  if (keys.empty()) return Add(path, "is required; give at least one key");
  if (!HasAtMost(path, keys.size(), kAuditKeysMax)) return;
  absl::flat_hash_set<std::string> taken;
  for (int i = 0; i < keys.size(); ++i) {
    const std::string element = ElementPath(path, static_cast<size_t>(i));
    CheckName(JoinPath(element, "id"), keys[i].id(), &taken);
    if (keys[i].key().empty()) {
      Add(JoinPath(element, "key"), "is required, as env:NAME or file:path");
    }
  }
}

}  // namespace

std::string AuditFile(const GatewayConfig& config) {
  const std::string& file = config.audit().file();
  if (absl::StartsWith(file, "/") || absl::StartsWith(file, "~/")) {
    return file;
  }
  const std::string& folder = config.runtime().state_dir();
  if (folder.empty()) return "";
  return absl::StrCat(folder, absl::EndsWith(folder, "/") ? "" : "/", file);
}

RedactionSettings RedactionSettingsOf(const AuditRedaction& config) {
  RedactionSettings settings;
  using BuiltIn = RedactionPatterns::BuiltIn;
  for (const int pattern : config.patterns()) {
    switch (pattern) {
      case AuditRedaction::PATTERN_KEYS:
        settings.built_in.push_back(BuiltIn::kKeys);
        break;
      case AuditRedaction::PATTERN_TOKENS:
        settings.built_in.push_back(BuiltIn::kTokens);
        break;
      case AuditRedaction::PATTERN_EMAIL:
        settings.built_in.push_back(BuiltIn::kEmail);
        break;
      case AuditRedaction::PATTERN_CARD_NUMBER:
        settings.built_in.push_back(BuiltIn::kCardNumber);
        break;
      default:
        break;
    }
  }
  for (const auto& own : config.own_patterns()) {
    settings.own.push_back({.name = own.name(), .regex = own.regex()});
  }
  settings.json_paths.assign(config.json_paths().begin(),
                             config.json_paths().end());
  return settings;
}

void CheckAudit(const GatewayConfig& config, const FieldPlaces& places,
                ConfigProblems* problems) {
  if (!config.has_audit()) return;
  AuditCheck check(config, places, *problems);
  check.CheckFile();
  check.CheckBodies();
  check.CheckRedaction();
  check.CheckEncryption();
}

}  // namespace gateway
