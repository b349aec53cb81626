#include "tests/simulation/ledger_model.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// What stands behind the first place of a member's name; empty if it is not
// there.
std::string_view Behind(std::string_view text, std::string_view name) {
  const std::string member = absl::StrCat("\"", ToAbsl(name), "\": ");
  const size_t at = text.find(member);
  return at == text.npos ? std::string_view() : text.substr(at + member.size());
}

// The texts of a simulation have no escapes that matter here.
std::string TextMember(std::string_view entry, std::string_view name) {
  std::string_view value = Behind(entry, name);
  if (!value.starts_with('"')) return "";
  value.remove_prefix(1);
  return std::string(value.substr(0, value.find('"')));
}

int64_t NumberMember(std::string_view entry, std::string_view name) {
  std::string_view value = Behind(entry, name);
  value = value.substr(0, value.find_first_not_of("-0123456789"));
  int64_t number = 0;
  return absl::SimpleAtoi(ToAbsl(value), &number) ? number : 0;
}

SpentAmounts AmountMembers(std::string_view form) {
  return {.input = NumberMember(form, "input_tokens"),
          .output = NumberMember(form, "output_tokens"),
          .cost = NumberMember(form, "cost_usd_nanos"),
          .turns = NumberMember(form, "turns")};
}

// Of pairs such as `["user", "user-1"]`.
std::vector<std::pair<std::string, std::string>> SubjectOf(
    std::string_view change) {
  std::vector<std::pair<std::string, std::string>> subject;
  std::string_view list = Behind(change, "subject");
  list = list.substr(0, list.starts_with("[]") ? 2 : list.find("]]"));
  std::vector<std::string> texts;
  for (size_t begin = list.find('"'); begin != list.npos;) {
    const size_t end = list.find('"', begin + 1);
    texts.emplace_back(list.substr(begin + 1, end - begin - 1));
    begin = list.find('"', end + 1);
  }
  for (size_t i = 0; i + 1 < texts.size(); i += 2) {
    subject.emplace_back(texts[i], texts[i + 1]);
  }
  return subject;
}

BudgetModel::Charges ChargesOf(std::string_view entry) {
  BudgetModel::Charges charges;
  constexpr std::string_view kBegin = "{\"budget\": ";
  for (size_t at = entry.find(kBegin); at != entry.npos;) {
    const size_t next = entry.find(kBegin, at + 1);
    const std::string_view change = entry.substr(at, next - at);
    charges.emplace_back(
        BudgetModel::ScopeName(TextMember(change, "budget"), SubjectOf(change)),
        AmountMembers(change));
    at = next;
  }
  return charges;
}

LedgerLine LineOf(std::string_view entry) {
  LedgerLine line{.id = TextMember(entry, "id"),
                  .type = TextMember(entry, "event_type"),
                  .decision = TextMember(entry, "decision"),
                  .reason = TextMember(entry, "reason")};
  size_t call = 0;
  if (absl::SimpleAtoi(TextMember(entry, "request_id"), &call))
    line.call = call;
  if (line.type == "EXCHANGE") {
    line.dispatch_id = TextMember(entry, "dispatch_entry_id");
    line.amounts.cost = NumberMember(entry, "cost_usd_nanos");
    line.estimated = Behind(entry, "estimated").starts_with("true");
    std::string_view usage = Behind(entry, "usage");
    usage = usage.substr(0, usage.find('}'));
    line.amounts.input = NumberMember(usage, "input_tokens");
    line.amounts.output = NumberMember(usage, "output_tokens");
  } else if (line.type == "BUDGET_DEBIT") {
    line.charges = ChargesOf(entry);
  }
  return line;
}

}  // namespace

std::vector<LedgerLine> LedgerModel::Commits(std::string_view texts) {
  std::vector<LedgerLine> committed;
  while (!texts.empty()) {
    const size_t end = texts.find('\n');
    committed.push_back(LineOf(texts.substr(0, end)));
    texts.remove_prefix(end == texts.npos ? texts.size() : end + 1);
  }
  for (const LedgerLine& line : committed) {
    places_[line.id].push_back(lines_.size());
    lines_.push_back(line);
  }
  return committed;
}

const LedgerLine* LedgerModel::Find(std::string_view id) const {
  const auto found = places_.find(id);
  return found == places_.end() ? nullptr : &lines_[found->second.front()];
}

int LedgerModel::CountOf(std::string_view id) const {
  const auto found = places_.find(id);
  return found == places_.end() ? 0 : static_cast<int>(found->second.size());
}

}  // namespace gateway
