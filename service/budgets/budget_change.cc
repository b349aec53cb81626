#include "service/budgets/budget_change.h"

#include <iterator>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "service/budgets/budget_window.h"
#include "service/budgets/foreign_budget_entry.h"
#include "service/ledger/entry.h"
#include "service/ledger/metadata_writer.h"
#include "service/limits/limit_rule.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

// More than a budget may be per.
constexpr size_t kDimensionsMax = 8;

// About how long a form is, and what each change adds.
constexpr size_t kFormBytes = 128;
constexpr size_t kChangeBytes = 256;

void WriteAllocation(const BudgetAllocation& allocation, MetadataWriter out) {
  out.AddInt("expire_time", allocation.expire_time);
  if (allocation.limit.has_value()) out.AddInt("limit", *allocation.limit);
  out.AddBool("removed", allocation.removed);
  if (allocation.turn_limit.has_value()) {
    out.AddInt("turn_limit", *allocation.turn_limit);
  }
  out.AddInt("version", allocation.version);
}

void WriteSubject(const BudgetScope& scope, ListWriter out) {
  for (const auto& [dimension, value] : scope.subject) {
    ListWriter pair = out.List();
    pair.AddText(LimitDimensionName(dimension));
    pair.AddText(value);
  }
}

void WriteChange(const BudgetChange& change, MetadataWriter out) {
  if (change.allocation.has_value()) {
    WriteAllocation(*change.allocation, out.Object("allocation"));
  }
  if (change.binding.has_value()) {
    out.AddInt("bound_time", change.binding->time);
    out.AddText("bound_to", change.binding->caller);
  }
  out.AddText("budget", change.scope.budget);
  out.AddInt("cost_usd_nanos", change.amounts.cost_usd_nanos);
  out.AddInt("input_tokens", change.amounts.input_tokens);
  if (change.scope.others) out.AddBool("others", true);
  if (!change.scope.others_of.empty()) {
    out.AddText("others_of", change.scope.others_of);
  }
  out.AddInt("output_tokens", change.amounts.output_tokens);
  if (change.reset_version != 0) {
    out.AddInt("reset_version", change.reset_version);
  }
  out.AddInt("start", change.start);
  WriteSubject(change.scope, out.List("subject"));
  out.AddInt("time", change.time);
  out.AddInt("turns", change.amounts.turns);
  out.AddText("window", change.scope.window);
}

absl::Status ReadInt(JsonValue& value, int64_t* number) {
  GATEWAY_ASSIGN_OR_RETURN(*number, value.Int64());
  return absl::OkStatus();
}

absl::Status ReadText(JsonValue& value, std::string* text) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view read, value.String());
  *text = std::string(read);
  return absl::OkStatus();
}

absl::Status ReadBool(JsonValue& value, bool* truth) {
  GATEWAY_ASSIGN_OR_RETURN(*truth, value.Bool());
  return absl::OkStatus();
}

absl::Status ReadAllocation(JsonValue& value, BudgetAllocation* allocation) {
  return value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        int64_t* number = nullptr;
        if (key == "expire_time") number = &allocation->expire_time;
        if (key == "version") number = &allocation->version;
        if (key == "limit") number = &allocation->limit.emplace(0);
        if (key == "turn_limit") number = &allocation->turn_limit.emplace(0);
        if (number != nullptr) return ReadInt(field, number);
        if (key == "removed") return ReadBool(field, &allocation->removed);
        return absl::OkStatus();
      });
}

// `["user", "ann"]`.
absl::Status ReadPair(JsonValue& pair, BudgetScope* scope) {
  std::vector<std::string> texts;
  GATEWAY_RETURN_IF_ERROR(pair.EachElement([&](JsonValue& text) {
    return texts.size() < 2 ? ReadText(text, &texts.emplace_back())
                            : text.Error("is one too many");
  }));
  if (texts.size() != 2) return pair.Error("must be a name and a value");
  const LimitDimension dimension = LimitDimensionNamed(texts[0]);
  if (dimension == config::LIMIT_DIMENSION_UNSPECIFIED) {
    return pair.Error("names no dimension");
  }
  if (scope->subject.size() == kDimensionsMax) {
    return pair.Error("is one too many");
  }
  scope->subject.emplace_back(dimension, std::move(texts[1]));
  return absl::OkStatus();
}

BudgetBinding& BindingOf(BudgetChange* change) {
  if (!change->binding.has_value()) change->binding.emplace();
  return *change->binding;
}

absl::Status ReadChange(JsonValue& value, BudgetChange* change) {
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        BudgetScope& scope = change->scope;
        BudgetAmounts& amounts = change->amounts;
        if (key == "budget") return ReadText(field, &scope.budget);
        if (key == "window") return ReadText(field, &scope.window);
        if (key == "others") return ReadBool(field, &scope.others);
        if (key == "others_of") return ReadText(field, &scope.others_of);
        if (key == "bound_to") {
          return ReadText(field, &BindingOf(change).caller);
        }
        int64_t* number = nullptr;
        if (key == "cost_usd_nanos") number = &amounts.cost_usd_nanos;
        if (key == "input_tokens") number = &amounts.input_tokens;
        if (key == "output_tokens") number = &amounts.output_tokens;
        if (key == "turns") number = &amounts.turns;
        if (key == "start") number = &change->start;
        if (key == "time") number = &change->time;
        if (key == "reset_version") number = &change->reset_version;
        if (key == "bound_time") number = &BindingOf(change).time;
        if (number != nullptr) return ReadInt(field, number);
        if (key == "allocation") {
          return ReadAllocation(field, &change->allocation.emplace());
        }
        if (key == "subject") {
          return field.EachElement(
              [&](JsonValue& pair) { return ReadPair(pair, &scope); });
        }
        return absl::OkStatus();
      }));
  if (change->scope.budget.empty()) return value.Error("names no budget");
  if (!BudgetWindow::Named(change->scope.window).has_value()) {
    return value.Error("has no window");
  }
  return absl::OkStatus();
}

absl::Status ReadMember(JsonValue& member, std::vector<BudgetChange>* changes) {
  return member.EachField(
      [&](std::string_view key, JsonValue& list) -> absl::Status {
        if (key != "budgets") return absl::OkStatus();
        return list.EachElement([&](JsonValue& each) {
          return ReadChange(each, &changes->emplace_back());
        });
      });
}

}  // namespace

void Bind(const std::optional<BudgetBinding>& other,
          std::optional<BudgetBinding>* known) {
  if (!other.has_value()) return;
  if (!known->has_value() || std::tie(other->time, other->caller) <
                                 std::tie((*known)->time, (*known)->caller)) {
    *known = other;
  }
}

void WriteBudgetChanges(absl::Span<const BudgetChange> changes,
                        std::string_view request_id, MetadataWriter out) {
  {
    ListWriter list = out.List("budgets");
    for (const BudgetChange& change : changes) {
      WriteChange(change, list.Object());
    }
  }
  if (!request_id.empty()) out.AddText("request_id", request_id);
}

std::string BudgetForm(absl::Span<const BudgetChange> changes,
                       std::string_view request_id) {
  std::string form;
  form.reserve(kFormBytes + changes.size() * kChangeBytes);
  WriteBudgetChanges(changes, request_id, MetadataWriter(&form));
  return form;
}

absl::Status ReadBudgetForm(std::string_view form,
                            std::vector<BudgetChange>* changes) {
  return ReadJson(form,
                  [&](JsonValue& root) { return ReadMember(root, changes); });
}

absl::Status ReadBudgetEntry(std::string_view entry,
                             std::vector<BudgetChange>* changes) {
  // Only entries of these kinds have changes; their type may stand behind the
  // metadata.
  bool is_of_budget = false;
  bool is_own = false;
  std::vector<BudgetChange> read;
  // Others have written some of them.
  GATEWAY_RETURN_IF_ERROR(ReadJsonAsPython(entry, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key,
                              JsonValue& value) -> absl::Status {
      if (key == "event_type") {
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view type, value.String());
        is_of_budget = type == "BUDGET_DEBIT" || type == "BUDGET_RESET" ||
                       type == "BUDGET_ALLOCATE";
        return absl::OkStatus();
      }
      if (key != "metadata" || !value.IsObject()) return absl::OkStatus();
      return value.EachField(
          [&](std::string_view name, JsonValue& member) -> absl::Status {
            if (name != kBudgetMember) return absl::OkStatus();
            is_own = true;
            return ReadMember(member, &read);
          });
    });
  }));
  if (is_of_budget && !is_own) {
    GATEWAY_ASSIGN_OR_RETURN(read, ForeignBudgetChanges(entry));
  }
  if (is_of_budget) {
    changes->insert(changes->end(), std::make_move_iterator(read.begin()),
                    std::make_move_iterator(read.end()));
  }
  return absl::OkStatus();
}

}  // namespace gateway
