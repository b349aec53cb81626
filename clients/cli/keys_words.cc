#include "clients/cli/keys_words.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "clients/cli/key_limit_text.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;
namespace configv1 = ::llmgateway::config::v1;

using Key = v1::Key;

constexpr std::string_view kCreateFlags[] = {
    "--name",    "--owner",    "--scope", "--label",     "--limit",
    "--expires", "--priority", "--ttl",   "--request_id"};
constexpr std::string_view kUpdateFlags[] = {
    "--name",    "--owner",    "--scope", "--label", "--limit",
    "--expires", "--priority", "--state", "--etag"};
constexpr std::string_view kListFlags[] = {"--owner", "--state"};
constexpr std::string_view kRotateFlags[] = {"--grace", "--etag"};
constexpr std::string_view kRevokeFlags[] = {"--etag"};
constexpr OperatorVerb kKeysVerbs[] = {{"create", kCreateFlags},
                                       {"list", kListFlags},
                                       {"get", {}},
                                       {"update", kUpdateFlags},
                                       {"rotate", kRotateFlags},
                                       {"revoke", kRevokeFlags}};
constexpr char kNone[] = "none";
constexpr char kNever[] = "never";

// Reads an enum's value by its name in lower case, without its prefix.
template <typename Parse, typename Enum>
absl::Status SetEnum(const std::string& flag, const std::string& text,
                     const std::string& prefix, const Parse& parse, Enum* to) {
  if (parse(absl::StrCat(prefix, absl::AsciiStrToUpper(text)), to)) {
    return absl::OkStatus();
  }
  return FlagMistake(flag, absl::StrCat("does not take '", text, "'"));
}

absl::Status SetState(const std::string& text, Key::State* to) {
  return SetEnum(
      "--state", text, "STATE_",
      [](const std::string& name, Key::State* state) {
        return Key::State_Parse(name, state);
      },
      to);
}

absl::Status AddLimit(const std::string& text, Key* key) {
  GATEWAY_ASSIGN_OR_RETURN(*key->add_limits(), ParseKeyLimit(text));
  return absl::OkStatus();
}

absl::Status AddLabel(const std::string& text, Key* key) {
  const std::vector<std::string> sides =
      absl::StrSplit(text, absl::MaxSplits('=', 1));
  if (sides.size() != 2) {
    return FlagMistake("--label",
                       absl::StrCat("must be NAME=VALUE, not '", text, "'"));
  }
  (*key->mutable_labels())[sides[0]] = sides[1];
  return absl::OkStatus();
}

absl::Status SetExpireTime(const std::string& text, Key* key) {
  if (text == kNever) return absl::OkStatus();
  absl::Time time;
  std::string why;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &why)) {
    return FlagMistake(
        "--expires",
        absl::StrCat("must be a time as in 2027-01-31T00:00:00Z, or "
                     "never, not '",
                     text, "'"));
  }
  key->mutable_expire_time()->set_seconds(absl::ToUnixSeconds(time));
  return absl::OkStatus();
}

// Sets the field of a key that the flag is about; `field` is its name, empty if
// it is about none.
absl::Status SetKeyField(const std::string& flag, const std::string& value,
                         Key* key, std::string* field) {
  if (flag == "--name") {
    *field = "display_name";
    key->set_display_name(value);
  } else if (flag == "--owner") {
    *field = "owner";
    key->set_owner(value);
  } else if (flag == "--scope") {
    *field = "scopes";
    if (value != kNone) key->add_scopes(value);
  } else if (flag == "--label") {
    *field = "labels";
    if (value != kNone) return AddLabel(value, key);
  } else if (flag == "--limit") {
    *field = "limits";
    if (value != kNone) return AddLimit(value, key);
  } else if (flag == "--expires") {
    *field = "expire_time";
    return SetExpireTime(value, key);
  } else if (flag == "--priority") {
    *field = "priority";
    configv1::Priority priority = configv1::PRIORITY_UNSPECIFIED;
    GATEWAY_RETURN_IF_ERROR(SetEnum(
        flag, value, "PRIORITY_",
        [](const std::string& name, configv1::Priority* to) {
          return configv1::Priority_Parse(name, to);
        },
        &priority));
    key->set_priority(priority);
  }
  return absl::OkStatus();
}

// The id that the words name, and nothing else.
absl::StatusOr<std::string> IdIn(const OperatorWords& words) {
  if (words.words.size() == 2) return words.words[1];
  return absl::InvalidArgumentError(absl::StrCat(
      "keys ", words.words[0],
      " needs the id of one key; gatewayctl keys list shows them"));
}

absl::Status CheckNoId(const OperatorWords& words) {
  if (words.words.size() == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "keys ", words.words[0], " takes no '", words.words[1], "'"));
}

}  // namespace

const OperatorCommand kKeysCommand = {"keys", kKeysVerbs};

absl::StatusOr<v1::CreateKeyRequest> CreateRequestOf(
    const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckNoId(words));
  GATEWAY_RETURN_IF_ERROR(CheckWords(kKeysCommand, words));
  v1::CreateKeyRequest request;
  std::string field;
  for (const auto& [flag, value] : words.flags) {
    GATEWAY_RETURN_IF_ERROR(
        SetKeyField(flag, value, request.mutable_key(), &field));
  }
  const std::string ttl = LastOf(words, "--ttl");
  if (!ttl.empty()) {
    GATEWAY_RETURN_IF_ERROR(SetDuration("--ttl", ttl, request.mutable_ttl()));
  }
  request.set_request_id(LastOf(words, "--request_id"));
  return request;
}

absl::StatusOr<v1::ListKeysRequest> ListRequestOf(const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckNoId(words));
  GATEWAY_RETURN_IF_ERROR(CheckWords(kKeysCommand, words));
  v1::ListKeysRequest request;
  request.set_owner(LastOf(words, "--owner"));
  const std::string state = LastOf(words, "--state");
  if (!state.empty()) {
    Key::State wanted = Key::STATE_UNSPECIFIED;
    GATEWAY_RETURN_IF_ERROR(SetState(state, &wanted));
    request.set_state(wanted);
  }
  return request;
}

absl::StatusOr<v1::GetKeyRequest> GetRequestOf(const OperatorWords& words) {
  v1::GetKeyRequest request;
  GATEWAY_ASSIGN_OR_RETURN(*request.mutable_id(), IdIn(words));
  GATEWAY_RETURN_IF_ERROR(CheckWords(kKeysCommand, words));
  return request;
}

absl::StatusOr<v1::UpdateKeyRequest> UpdateRequestOf(
    const OperatorWords& words) {
  v1::UpdateKeyRequest request;
  Key& key = *request.mutable_key();
  GATEWAY_ASSIGN_OR_RETURN(*key.mutable_id(), IdIn(words));
  GATEWAY_RETURN_IF_ERROR(CheckWords(kKeysCommand, words));
  std::vector<std::string> fields;
  for (const auto& [flag, value] : words.flags) {
    std::string field;
    if (flag == "--state") {
      field = "state";
      Key::State state = Key::STATE_UNSPECIFIED;
      GATEWAY_RETURN_IF_ERROR(SetState(value, &state));
      key.set_state(state);
    } else {
      GATEWAY_RETURN_IF_ERROR(SetKeyField(flag, value, &key, &field));
    }
    if (!field.empty() &&
        std::find(fields.begin(), fields.end(), field) == fields.end()) {
      fields.push_back(field);
    }
  }
  if (fields.empty()) {
    return absl::InvalidArgumentError(
        "say what is to be changed, as in --state disabled or --owner NAME");
  }
  for (const std::string& field : fields) {
    request.mutable_update_mask()->add_paths(field);
  }
  key.set_etag(LastOf(words, "--etag"));
  return request;
}

absl::StatusOr<v1::RotateKeyRequest> RotateRequestOf(
    const OperatorWords& words) {
  v1::RotateKeyRequest request;
  GATEWAY_ASSIGN_OR_RETURN(*request.mutable_id(), IdIn(words));
  GATEWAY_RETURN_IF_ERROR(CheckWords(kKeysCommand, words));
  const std::string grace = LastOf(words, "--grace");
  if (!grace.empty()) {
    GATEWAY_RETURN_IF_ERROR(
        SetDuration("--grace", grace, request.mutable_grace()));
  }
  request.set_etag(LastOf(words, "--etag"));
  return request;
}

absl::StatusOr<v1::RevokeKeyRequest> RevokeRequestOf(
    const OperatorWords& words) {
  v1::RevokeKeyRequest request;
  GATEWAY_ASSIGN_OR_RETURN(*request.mutable_id(), IdIn(words));
  GATEWAY_RETURN_IF_ERROR(CheckWords(kKeysCommand, words));
  request.set_etag(LastOf(words, "--etag"));
  return request;
}

}  // namespace gateway
