#include "service/identity/json_web_key_set.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "service/identity/base64_url.h"
#include "service/identity/json_members.h"

namespace gateway {
namespace {

// So much is repeated of a name that stands in a set.
constexpr size_t kBytesShown = 64;

std::string Quoted(std::string_view text) {
  return absl::StrCat(
      "'", absl::CHexEscape(ToAbsl(text.substr(0, kBytesShown))), "'");
}

// The members of a key that are texts and mean something here.
enum Member { kKty, kKid, kUse, kAlg, kCrv, kN, kE, kX, kY, kMembers };
constexpr std::array<std::string_view, kMembers> kMemberNames = {
    "kty", "kid", "use", "alg", "crv", "n", "e", "x", "y"};

// A key as it stands in the set.
struct WrittenKey {
  std::array<std::optional<std::string>, kMembers> members;
  std::optional<std::vector<std::string>> operations;
  bool is_private = false;
  // What is wrong with its form; empty if nothing is.
  std::string problem;
};

absl::Status ReadOperations(JsonValue& value, WrittenKey* key) {
  key->operations.emplace();
  if (!value.IsArray()) {
    key->problem = "has `key_ops` that are no list";
    return absl::OkStatus();
  }
  return value.EachElement([&](JsonValue& operation) {
    if (!operation.IsString()) {
      key->problem = "has `key_ops` that are not all texts";
      return absl::OkStatus();
    }
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, operation.String());
    key->operations->emplace_back(text);
    return absl::OkStatus();
  });
}

absl::Status ReadKey(JsonValue& value, WrittenKey* key) {
  if (!value.IsObject()) {
    key->problem = "is no object";
    return absl::OkStatus();
  }
  return value.EachField([&](std::string_view name, JsonValue& field) {
    if (name == "key_ops") return ReadOperations(field, key);
    // The private part of a key of each type; of `oct`, all of it.
    if (name == "d" || name == "k") key->is_private = true;
    const auto* const found =
        std::find(kMemberNames.begin(), kMemberNames.end(), name);
    if (found == kMemberNames.end()) return absl::OkStatus();
    if (!field.IsString()) {
      key->problem = absl::StrCat("has a `", ToAbsl(name), "` that is no text");
      return absl::OkStatus();
    }
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, field.String());
    key->members[found - kMemberNames.begin()].emplace(text);
    return absl::OkStatus();
  });
}

// The bytes of a member.
absl::StatusOr<std::string> BytesOf(const WrittenKey& key, Member member) {
  const std::string_view name = kMemberNames[member];
  const std::optional<std::string>& text = key.members[member];
  if (!text.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("has no `", ToAbsl(name), "`"));
  }
  std::optional<std::string> bytes = DecodeBase64Url(*text);
  if (!bytes.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("has a `", ToAbsl(name), "` that is not base64url"));
  }
  return *std::move(bytes);
}

// The key of a type and curve that are known; the error says why there is none.
absl::StatusOr<JwsKey> OfType(const WrittenKey& key) {
  const std::string& type = *key.members[kKty];
  if (type == "RSA") {
    GATEWAY_ASSIGN_OR_RETURN(const std::string n, BytesOf(key, kN));
    GATEWAY_ASSIGN_OR_RETURN(const std::string e, BytesOf(key, kE));
    return JwsKey::Rsa(n, e);
  }
  if (type != "EC" && type != "OKP") {
    return absl::InvalidArgumentError(absl::StrCat(
        "is of the type ", Quoted(type), "; RSA, EC and OKP are accepted"));
  }
  const std::string_view accepted = type == "EC" ? "P-256" : "Ed25519";
  const std::string curve = key.members[kCrv].value_or("");
  if (curve != accepted) {
    return absl::InvalidArgumentError(
        absl::StrCat("is of the curve ", Quoted(curve), "; of the type ", type,
                     " ", ToAbsl(accepted), " is accepted"));
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::string x, BytesOf(key, kX));
  if (type == "OKP") return JwsKey::Ed25519(x);
  GATEWAY_ASSIGN_OR_RETURN(const std::string y, BytesOf(key, kY));
  return JwsKey::P256(x, y);
}

// The key, if signatures may be verified with it.
absl::StatusOr<JwsKey> Usable(const WrittenKey& key) {
  if (!key.problem.empty()) return absl::InvalidArgumentError(key.problem);
  if (!key.members[kKty].has_value()) {
    return absl::InvalidArgumentError("has no `kty`");
  }
  const std::optional<std::string>& use = key.members[kUse];
  if (use.has_value() && *use != "sig") {
    return absl::InvalidArgumentError(
        absl::StrCat("is for ", Quoted(*use), ", by its `use`"));
  }
  if (key.operations.has_value() &&
      std::find(key.operations->begin(), key.operations->end(), "verify") ==
          key.operations->end()) {
    return absl::InvalidArgumentError("is not for `verify`, by its `key_ops`");
  }
  if (key.is_private) {
    return absl::InvalidArgumentError(
        "has its private part with it; whoever could read the set can sign "
        "tokens: make a new key, and publish its public part alone");
  }
  if (key.members[kKid].value_or("").size() > kKeyIdBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("has a `kid` of more than ", kKeyIdBytesMax, " bytes"));
  }
  absl::StatusOr<JwsKey> usable = OfType(key);
  const std::optional<std::string>& algorithm = key.members[kAlg];
  if (usable.ok() && algorithm.has_value() &&
      *algorithm != JwsAlgorithmName(usable->algorithm())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "is for ", Quoted(*algorithm), ", by its `alg`; of its type ",
        ToAbsl(JwsAlgorithmName(usable->algorithm())), " is accepted"));
  }
  return usable;
}

// Says which key of the set it is.
std::string Place(size_t index, const WrittenKey& key) {
  const std::optional<std::string>& kid = key.members[kKid];
  return absl::StrCat(
      "keys[", index, "]",
      kid.has_value() ? absl::StrCat(" (kid ", Quoted(*kid), ")") : "");
}

absl::StatusOr<std::vector<WrittenKey>> ReadKeys(std::string_view json) {
  std::vector<WrittenKey> keys;
  const auto read = [&](JsonValue& value) {
    if (!value.IsArray()) return value.Error("`keys` must be a list");
    return value.EachElement([&](JsonValue& element) {
      if (keys.size() == kKeySetKeysMax) {
        return absl::InvalidArgumentError(
            absl::StrCat("has more than ", kKeySetKeysMax, " keys"));
      }
      return ReadKey(element, &keys.emplace_back());
    });
  };
  GATEWAY_ASSIGN_OR_RETURN(const bool found, ReadMember(json, "keys", read));
  if (!found) return absl::InvalidArgumentError("has no `keys`");
  return keys;
}

}  // namespace

absl::StatusOr<JsonWebKeySet> JsonWebKeySet::Parse(std::string_view json) {
  if (json.size() > kKeySetBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a key set of ", json.size(), " bytes; at most ",
                     kKeySetBytesMax, " are accepted"));
  }
  if (const absl::Status status = CheckMembersOnce(json); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "no key set: it must be a JSON object, each member of which stands "
        "there once: ",
        ToAbsl(JsonErrorDescription(status))));
  }
  const absl::StatusOr<std::vector<WrittenKey>> written = ReadKeys(json);
  if (!written.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("no key set: ", written.status().message()));
  }
  JsonWebKeySet set;
  for (size_t i = 0; i < written->size(); ++i) {
    const WrittenKey& key = (*written)[i];
    absl::StatusOr<JwsKey> usable = Usable(key);
    const std::optional<std::string>& kid = key.members[kKid];
    if (usable.ok() && kid.has_value() &&
        set.Find(usable->algorithm(), kid) != nullptr) {
      usable = absl::InvalidArgumentError(
          "has the same `kid` as one before it of its algorithm");
    }
    if (usable.ok()) {
      set.keys_.push_back({kid, *std::move(usable)});
    } else {
      set.skipped_.push_back(
          absl::StrCat(Place(i, key), ": ", usable.status().message()));
    }
  }
  if (set.keys_.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a key set without a usable key", set.skipped_.empty() ? "" : ": ",
        absl::StrJoin(set.skipped_, "; ")));
  }
  return set;
}

const JwsKey* JsonWebKeySet::Find(JwsAlgorithm algorithm,
                                  const std::optional<std::string>& kid) const {
  const JwsKey* found = nullptr;
  for (const Named& each : keys_) {
    if (each.key.algorithm() != algorithm) continue;
    if (kid.has_value() && each.kid != kid) continue;
    if (found != nullptr) return nullptr;
    found = &each.key;
  }
  return found;
}

}  // namespace gateway
