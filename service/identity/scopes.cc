#include "service/identity/scopes.h"

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "google/protobuf/descriptor.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/identity/star_glob.h"

namespace gateway {
namespace {

constexpr std::array<std::string_view, 5> kApiNames = {
    "grpc", "openai", "anthropic", "gemini", "chat"};

enum class Kind { kApi, kRpc, kModel, kProvider, kTag };
constexpr std::array<std::string_view, 5> kKindNames = {"api", "rpc", "model",
                                                        "provider", "tag"};

// Of GatewayService, in the order of the contract.
const std::vector<std::string>& RpcNames() {
  static const std::vector<std::string>& names = *[] {
    auto* const found = new std::vector<std::string>;
    const auto* const service =
        v1::GenerateRequest::descriptor()->file()->FindServiceByName(
            "GatewayService");
    for (int i = 0; i < service->method_count(); ++i) {
      found->push_back(service->method(i)->name());
    }
    // Each has a bit.
    assert(found->size() < 64);
    return found;
  }();
  return names;
}

template <typename Names>
uint64_t BitsThatMatch(const Names& names, std::string_view pattern) {
  uint64_t bits = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    if (MatchesStarGlob(pattern, names[i])) bits |= uint64_t{1} << i;
  }
  return bits;
}

template <typename Names>
std::string Listed(const Names& names) {
  return absl::StrJoin(names, ", ", [](std::string* out, const auto& name) {
    absl::StrAppend(out, ToAbsl(name));
  });
}

// An entry taken apart.
struct Entry {
  Kind kind;
  std::string_view pattern;
};

// Nothing if it is of no kind.
std::optional<Entry> Split(std::string_view entry) {
  const size_t colon = entry.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  for (size_t i = 0; i < kKindNames.size(); ++i) {
    if (entry.substr(0, colon) == kKindNames[i]) {
      return Entry{static_cast<Kind>(i), entry.substr(colon + 1)};
    }
  }
  return std::nullopt;
}

// Whether all of it can be seen, so that no two patterns look alike.
bool IsVisible(std::string_view pattern) {
  for (const unsigned char c : pattern) {
    if (c <= ' ' || c == 0x7f) return false;
  }
  return !pattern.empty();
}

// What is wrong with an entry, and what is right; empty if nothing is.
std::string Problem(std::string_view entry) {
  if (entry.size() > kScopeBytesMax) {
    return absl::StrCat("is longer than ", kScopeBytesMax, " bytes");
  }
  const std::optional<Entry> split = Split(entry);
  if (!split.has_value()) {
    return absl::StrCat("is not kind:pattern, where the kind is one of ",
                        Listed(kKindNames));
  }
  if (!IsVisible(split->pattern)) {
    return "has no pattern, or a space or control character in it";
  }
  if (split->kind == Kind::kApi && !BitsThatMatch(kApiNames, split->pattern)) {
    return absl::StrCat("names no API; there are ", Listed(kApiNames));
  }
  if (split->kind == Kind::kRpc && !BitsThatMatch(RpcNames(), split->pattern)) {
    return absl::StrCat("names no rpc of GatewayService; there are ",
                        Listed(RpcNames()));
  }
  return "";
}

}  // namespace

std::string_view ScopedApiName(ScopedApi api) {
  return kApiNames[static_cast<size_t>(api)];
}

absl::Status CheckScope(std::string_view entry) {
  const std::string problem = Problem(entry);
  if (problem.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "the scope '", ToAbsl(entry.substr(0, kScopeBytesMax)), "' ", problem));
}

struct Scopes::Reading {
  // Adds an entry. One that names nothing allows nothing.
  void Add(const Entry& entry) {
    switch (entry.kind) {
      case Kind::kApi:
        apis = apis.value_or(0) | BitsThatMatch(kApiNames, entry.pattern);
        return;
      case Kind::kRpc:
        rpcs = rpcs.value_or(0) | BitsThatMatch(RpcNames(), entry.pattern);
        return;
      case Kind::kModel:
        return AddPattern(entry.pattern, &models);
      case Kind::kProvider:
        return AddPattern(entry.pattern, &providers);
      case Kind::kTag:
        return AddPattern(entry.pattern, &tags);
    }
  }

  static void AddPattern(std::string_view pattern, Lists* lists) {
    if (lists->empty()) lists->emplace_back();
    lists->front().emplace_back(pattern);
  }

  std::optional<Bits> apis;
  std::optional<Bits> rpcs;
  Lists models;
  Lists providers;
  Lists tags;
};

Scopes Scopes::Of(Reading reading) {
  Scopes scopes;
  scopes.apis_ = reading.apis.value_or(kAll);
  scopes.rpcs_ = reading.rpcs.value_or(kAll);
  scopes.models_ = std::move(reading.models);
  scopes.providers_ = std::move(reading.providers);
  scopes.tags_ = std::move(reading.tags);
  return scopes;
}

absl::StatusOr<Scopes> Scopes::Parse(absl::Span<const std::string> entries) {
  if (entries.size() > kScopesMax) {
    return absl::InvalidArgumentError(absl::StrCat("there are ", entries.size(),
                                                   " scopes, and at most ",
                                                   kScopesMax, " are allowed"));
  }
  Reading reading;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (const absl::Status status = CheckScope(entries[i]); !status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("[", i, "]: ", status.message()));
    }
    reading.Add(*Split(entries[i]));
  }
  return Of(std::move(reading));
}

Scopes Scopes::OfToken(absl::Span<const std::string_view> words) {
  Reading reading;
  if (words.size() > kScopesMax) {
    reading.apis = 0;
    reading.rpcs = 0;
    return Of(std::move(reading));
  }
  for (const std::string_view word : words) {
    if (const auto entry = Split(word); entry.has_value()) reading.Add(*entry);
  }
  return Of(std::move(reading));
}

Scopes Scopes::And(const Scopes& other) const {
  const auto add = [](const Lists& more, Lists* lists) {
    lists->insert(lists->end(), more.begin(), more.end());
  };
  Scopes both = *this;
  both.apis_ &= other.apis_;
  both.rpcs_ &= other.rpcs_;
  add(other.models_, &both.models_);
  add(other.providers_, &both.providers_);
  add(other.tags_, &both.tags_);
  return both;
}

bool Scopes::Allow(const Lists& lists, std::string_view name) {
  for (const Patterns& patterns : lists) {
    bool matches = false;
    for (const std::string& pattern : patterns) {
      if (MatchesStarGlob(pattern, name)) {
        matches = true;
        break;
      }
    }
    if (!matches) return false;
  }
  return true;
}

bool Scopes::AllowsListedRpc(std::string_view rpc) const {
  const std::vector<std::string>& names = RpcNames();
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == rpc) return (rpcs_ >> i & 1) != 0;
  }
  return false;
}

absl::Status Scopes::ApiFault(ScopedApi api) {
  return NamedFault("api", ScopedApiName(api));
}

absl::Status Scopes::NamedFault(std::string_view kind, std::string_view name) {
  const std::string scope = absl::StrCat(ToAbsl(kind), ":", ToAbsl(name));
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_FORBIDDEN,
                absl::StrCat("the caller may not do this; it would need the "
                             "scope '",
                             scope, "'"));
  AddFaultMetadata(fault, "scope", scope);
  return fault;
}

absl::Status Scopes::ModelFault(std::string_view model) {
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_MODEL_NOT_ALLOWED,
      absl::StrCat("the caller may not use the model '", ToAbsl(model),
                   "'; it would need the scope 'model:", ToAbsl(model), "'"));
  AddFaultMetadata(fault, "model", model);
  return fault;
}

}  // namespace gateway
