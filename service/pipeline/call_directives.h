// CallDirectives is what a caller says of a call beside its request: where it
// is to go, for whom it is made, how long it may take. By HTTP they are header
// fields, by gRPC metadata, of the same names; docs/routing.md lists them.
//
//   CallDirectives directives;
//   directives.Take("x-llmgateway-agent-type", "code-reviewer");
//   directives.Take("x-llmgateway-colour", "red");
//   directives.status();  // INVALID_REQUEST, naming x-llmgateway-colour.
//
// None is ignored: what is not known, given twice or has no meaning is refused,
// by the status, which is the first fault. Tags and capabilities are lists, and
// may come in several fields. None goes to a provider.
//
// Thread contract: plain data; the views are the fields'.

#ifndef SERVICE_PIPELINE_CALL_DIRECTIVES_H_
#define SERVICE_PIPELINE_CALL_DIRECTIVES_H_

#include <optional>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/context/context_tier.h"
#include "service/identity/caller.h"
#include "service/observability/call_record.h"
#include "service/routing/selection/model_capability.h"
#include "service/routing/selection/model_selection.h"

namespace gateway {

class CallDirectives {
 public:
  // What the names of all of them begin with, in lower case.
  static constexpr std::string_view kPrefix = "x-llmgateway-";

  // The field of that name without the prefix, by which callers of many
  // services have repetitions recognized; with it, it says the same.
  static constexpr std::string_view kIdempotencyKey = "idempotency-key";
  static constexpr std::string_view kPrefixedIdempotencyKey =
      "x-llmgateway-idempotency-key";

  // The field of other gateways by which callers say what is to be done with
  // their context. What is not known there counts as `auto`.
  static constexpr std::string_view kContextMode = "x-cms-mode";

  // Takes the field if it is one of them, in upper or lower case; returns
  // whether it is.
  bool Take(std::string_view name, std::string_view value);

  // INVALID_REQUEST, with the field named.
  const absl::Status& status() const { return status_; }

  // Takes what is said here where the request does not say it. Fails as
  // status() does, or with INVALID_REQUEST where the request says something
  // else.
  absl::Status MergeInto(std::string_view* provider_of_request,
                         CallScope* scope_of_request) const;

  // Whether any has been taken, a bad one included.
  bool any() const { return any_; }

  // Empty if not given.
  std::string_view provider;  // As GenerateRequest.provider_id.
  // For whom; what has no field of its own stays empty.
  CallScope scope;
  // As GenerateRequest.domain_tags; at most 16.
  absl::InlinedVector<std::string_view, 4> domain_tags;
  // By which repetitions of the call are known.
  std::string_view idempotency_key;
  // Which of the two fields above says it; empty if none does.
  std::string_view idempotency_field;
  // How long the call may take in all.
  absl::Duration timeout = absl::InfiniteDuration();
  // As GenerateRequest.strict_output.
  bool strict_output = false;
  // Answers by HTTP tell what those by gRPC do.
  bool details = false;
  // As in GenerateRequest.selection.
  std::string_view node;
  CapabilitySet capabilities = 0;
  std::optional<SelectionStrategy> strategy;
  // How much the call matters, if less than its caller's do.
  std::optional<CallerPriority> priority;
  // What is to be done with the model's context, by `x-cms-mode`.
  ContextMode context_mode = ContextMode::kAuto;

  // Whether a model is to be chosen.
  bool selects() const {
    return !node.empty() || capabilities != 0 || strategy.has_value();
  }

 private:
  void TakeNamed(std::string_view name, std::string_view value);
  void TakeText(std::string_view name, std::string_view value,
                std::string_view* text);
  void TakeIdempotencyKey(std::string_view field, std::string_view value);
  void TakeTags(std::string_view value);
  void TakeNode(std::string_view value);
  void TakeCapabilities(std::string_view value);
  void TakeStrategy(std::string_view value);
  void TakeTimeout(std::string_view value);
  void TakePriority(std::string_view value);
  void TakeFlag(std::string_view name, std::string_view value, bool* flag);
  void Refuse(std::string_view name, std::string_view why);
  void RefuseField(std::string_view field, std::string_view why);

  bool any_ = false;
  // The names that were taken and are no lists, behind the prefix.
  absl::InlinedVector<std::string_view, 4> taken_;
  absl::Status status_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CALL_DIRECTIVES_H_
