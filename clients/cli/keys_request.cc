#include "clients/cli/keys_request.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "clients/cli/answer_text.h"
#include "clients/cli/key_limit_text.h"
#include "clients/cli/keys_words.h"
#include "llmgateway/v1/admin.grpc.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using Admin = v1::AdminService::Stub;

constexpr int kPageSize = 1000;

std::string StateText(const v1::Key& key) {
  return ValueText(v1::Key::State_Name(key.state()), "STATE_");
}

std::string ExpiryText(const v1::Key& key) {
  return key.has_expire_time() ? TimeText(key.expire_time()) : "never";
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
  for (const auto& limit : key.limits()) add("limit", KeyLimitText(limit));
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
  const auto add = [&all](v1::ListKeysResponse& page) {
    page.clear_next_page_token();
    all.MergeFrom(page);
  };
  GATEWAY_RETURN_IF_ERROR(
      (admin.CallPages<v1::ListKeysRequest, v1::ListKeysResponse>(
          &Admin::ListKeys, std::move(request), add)));
  return all;
}

// A response that has the key and its secret, or a response that is the key.
template <typename Response>
std::string AnswerText(const Response& response, const OperatorWords& words) {
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
    const RpcPlace& place, const OperatorWords& words,
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

absl::StatusOr<std::string> AskKeys(const RpcPlace& place,
                                    const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kKeysCommand, words));
  const std::string& what = words.words[0];
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
  return AskOne(place, words, &Admin::RevokeKey, RevokeRequestOf(words));
}

}  // namespace gateway
