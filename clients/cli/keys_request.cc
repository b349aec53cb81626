#include "clients/cli/keys_request.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/util/json_util.h"
#include "llmgateway/v1/admin.grpc.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using Admin = v1::AdminService::Stub;
using Row = std::vector<std::string>;

constexpr int kPageSize = 1000;

std::string AsJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string text;
  // Fails for no message without an Any.
  const auto status =
      google::protobuf::util::MessageToJsonString(message, &text, options);
  assert(status.ok());
  return text;
}

// Columns as wide as they have to be, two spaces between them.
std::string Table(const std::vector<Row>& rows) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&line, row[i],
                      std::string(widths[i] - row[i].size() + 2, ' '));
    }
    absl::StripTrailingAsciiWhitespace(&line);
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ",
                          absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

// A value's name in lower case, without the prefix.
std::string ValueText(const std::string& name, absl::string_view prefix) {
  return absl::AsciiStrToLower(absl::StripPrefix(name, prefix));
}

std::string StateText(const v1::Key& key) {
  return ValueText(v1::Key::State_Name(key.state()), "STATE_");
}

std::string ExpiryText(const v1::Key& key) {
  return key.has_expire_time() ? TimeText(key.expire_time()) : "never";
}

std::string LimitText(const llmgateway::config::v1::KeyLimit& limit) {
  std::string text = absl::StrCat(
      ValueText(llmgateway::config::v1::LimitUnit_Name(limit.unit()),
                "LIMIT_UNIT_"),
      "=",
      limit.limit_usd().empty() ? absl::StrCat(limit.limit())
                                : limit.limit_usd());
  if (limit.has_window()) {
    absl::StrAppend(&text, "/", limit.window().seconds(), "s");
  }
  return text;
}

std::string KeyTable(const v1::Key& key, const std::string& secret) {
  std::vector<Row> rows = {{"id", key.id()}};
  const auto add = [&](const char* name, std::string value) {
    if (!value.empty()) rows.push_back({name, std::move(value)});
  };
  add("secret", secret);
  add("name", key.display_name());
  add("owner", key.owner());
  add("state", StateText(key));
  add("expires", ExpiryText(key));
  add("scopes", absl::StrJoin(key.scopes(), " "));
  const std::map<std::string, std::string> labels(key.labels().begin(),
                                                  key.labels().end());
  add("labels", absl::StrJoin(labels, " ", absl::PairFormatter("=")));
  add("priority",
      ValueText(llmgateway::config::v1::Priority_Name(key.priority()),
                "PRIORITY_"));
  for (const auto& limit : key.limits()) add("limit", LimitText(limit));
  add("created", TimeText(key.create_time()));
  add("changed", TimeText(key.update_time()));
  if (key.has_previous_secret_expire_time()) {
    add("old secret until", TimeText(key.previous_secret_expire_time()));
  }
  add("etag", key.etag());
  std::string text = Table(rows);
  if (!secret.empty()) {
    absl::StrAppend(&text, "\nThe secret is not shown again.\n");
  }
  return text;
}

std::string KeysTable(const v1::ListKeysResponse& response) {
  std::vector<Row> rows = {{"ID", "STATE", "EXPIRES", "OWNER", "NAME"}};
  for (const v1::Key& key : response.keys()) {
    rows.push_back({key.id(), StateText(key), ExpiryText(key),
                    key.owner().empty() ? "-" : key.owner(),
                    key.display_name()});
  }
  return Table(rows);
}

// All pages as one.
absl::StatusOr<v1::ListKeysResponse> ListAll(const AdminConnection& admin,
                                             v1::ListKeysRequest request) {
  request.set_page_size(kPageSize);
  v1::ListKeysResponse all;
  do {
    GATEWAY_ASSIGN_OR_RETURN(v1::ListKeysResponse page,
                             admin.Call(&Admin::ListKeys, request));
    request.set_page_token(page.next_page_token());
    page.clear_next_page_token();
    all.MergeFrom(page);
  } while (!request.page_token().empty());
  return all;
}

// A response that has the key and its secret, or a response that is the key.
template <typename Response>
std::string AnswerText(const Response& response, const KeysWords& words) {
  if (words.as_json) return AsJson(response);
  if constexpr (requires { response.secret(); }) {
    return KeyTable(response.key(), response.secret());
  } else if constexpr (requires { response.key(); }) {
    return KeyTable(response.key(), "");
  } else {
    return KeyTable(response, "");
  }
}

template <typename Request, typename Response>
absl::StatusOr<std::string> AskOne(
    const AdminPlace& place, const KeysWords& words,
    grpc::Status (Admin::*method)(grpc::ClientContext*, const Request&,
                                  Response*),
    const absl::StatusOr<Request>& request) {
  GATEWAY_RETURN_IF_ERROR(request.status());
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  GATEWAY_ASSIGN_OR_RETURN(const Response response,
                           admin.Call(method, *request));
  return AnswerText(response, words);
}

}  // namespace

absl::StatusOr<std::string> AskKeys(const AdminPlace& place,
                                    const KeysWords& words) {
  const std::string what = words.words.empty() ? "" : words.words[0];
  if (what == "create") {
    return AskOne(place, words, &Admin::CreateKey, CreateRequestOf(words));
  }
  if (what == "list") {
    GATEWAY_ASSIGN_OR_RETURN(const v1::ListKeysRequest request,
                             ListRequestOf(words));
    GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                             AdminConnection::Open(place));
    GATEWAY_ASSIGN_OR_RETURN(const v1::ListKeysResponse keys,
                             ListAll(admin, request));
    return words.as_json ? AsJson(keys) : KeysTable(keys);
  }
  if (what == "get") {
    return AskOne(place, words, &Admin::GetKey, GetRequestOf(words));
  }
  if (what == "update") {
    return AskOne(place, words, &Admin::UpdateKey, UpdateRequestOf(words));
  }
  if (what == "rotate") {
    return AskOne(place, words, &Admin::RotateKey, RotateRequestOf(words));
  }
  if (what == "revoke") {
    return AskOne(place, words, &Admin::RevokeKey, RevokeRequestOf(words));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "keys takes create, list, get, update, rotate or revoke, not '", what,
      "'"));
}

}  // namespace gateway
