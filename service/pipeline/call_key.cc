#include "service/pipeline/call_key.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "proto/proto_time.h"
#include "service/pipeline/provider_policy.h"

namespace gateway {
namespace {

// Stands for the dialect of requests by gRPC.
constexpr std::string_view kNeutralApi = "grpc";

RequestScope ScopeOf(const Call& call, std::string_view caller,
                     absl::Span<const std::string_view> varies_by) {
  const CallFacts& facts = call.facts;
  return {.caller = caller,
          .api = facts.dialect.empty() ? kNeutralApi : facts.dialect,
          .operation = facts.operation,
          .stream = facts.stream,
          .varies_by = varies_by};
}

}  // namespace

std::optional<RequestKey> KeyOfCall(const Call& call, std::string_view caller,
                                    std::string_view scope,
                                    const LeftOut& left_out, bool* stored) {
  const CallFacts& facts = call.facts;
  const PlannedTarget& target = call.planned.first;
  absl::InlinedVector<std::string_view, 12> varies_by = {
      scope,
      target.provider->name,
      target.upstream_model,
      facts.model,
      facts.path,
      facts.strict_output ? "strict" : "",
      facts.stream_usage ? "usage" : ""};
  for (const HttpField& field : facts.forwarded_fields) {
    varies_by.push_back(field.name);
    varies_by.push_back(field.value);
  }
  const RequestScope whole = ScopeOf(call, caller, varies_by);
  if (call.raw == nullptr) {
    *stored = call.request->store();
    return KeyOfMessage(whole, *call.request, left_out.fields);
  }
  WatchedMember store = {.name = "store"};
  const std::optional<RequestKey> key =
      KeyOfJson(whole, call.raw->body, left_out.members, &store);
  *stored = store.value == WatchedMember::Value::kTrue ||
            (facts.remembered_unless_refused &&
             store.value != WatchedMember::Value::kFalse);
  return key;
}

RequestKey FingerprintOf(const Call& call) {
  const std::string_view varies_by[] = {call.facts.model, call.facts.path};
  const RequestScope scope = ScopeOf(call, call.caller->id, varies_by);
  if (call.raw == nullptr) {
    // What a session holds is another thing each time.
    const v1::GenerateRequest& request =
        call.own_request == nullptr ? *call.request : *call.own_request;
    const std::vector<int> left_out = LeftOutOfGenerateRequest({});
    const auto key = KeyOfMessage(scope, request, left_out);
    return key ? *key : KeyOfBytes(scope, request.SerializeAsString());
  }
  const auto key = KeyOfJson(scope, call.raw->body, {});
  return key ? *key : KeyOfBytes(scope, call.raw->body);
}

CacheableRequest CacheableRequestOf(const Call& call) {
  const CallFacts& facts = call.facts;
  CacheableRequest request;
  request.generates = call.embed == nullptr && call.stored_query == nullptr &&
                      !facts.counts &&
                      (call.raw != nullptr || call.request != nullptr);
  if (!request.generates) return request;
  request.has_tools = call.raw != nullptr ? call.raw->scan.tool_count > 0
                                          : !call.request->tools().empty();
  request.stream = facts.stream;
  request.builds_on_stored = !facts.previous_response_id.empty() ||
                             !facts.session.empty() ||
                             !facts.stored_reference.empty();
  request.background = facts.background;
  request.callers_credential = call.BringsCredential(
      call.runtime->PolicyOf(*call.planned.first.provider));
  request.request_bytes = facts.request_bytes;
  return request;
}

CacheControl CacheControlOf(const Call& call) {
  if (call.raw != nullptr || call.request == nullptr ||
      !call.request->has_cache_control()) {
    return ParseCacheControl(call.facts.cache_control);
  }
  const v1::CacheControl& said = call.request->cache_control();
  CacheControl control;
  control.no_cache = said.no_cache();
  control.no_store = said.no_store();
  control.only_if_cached = said.only_if_cached();
  if (said.has_max_age()) {
    control.age_max = std::max(ToAbsl(said.max_age()), absl::ZeroDuration());
  }
  return control;
}

}  // namespace gateway
