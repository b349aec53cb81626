// LedgerModel is what a ledger has, by the texts of its commits alone, which it
// reads by itself.
//
//   LedgerModel ledger;
//   for (std::string_view texts : ...) ledger.Commits(texts);
//   ledger.Find("LED-...");
//
// Thread contract: one thread.

#ifndef TESTS_SIMULATION_LEDGER_MODEL_H_
#define TESTS_SIMULATION_LEDGER_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/simulation/budget_model.h"

namespace gateway {

struct LedgerLine {
  std::string id;
  std::string type;
  std::string decision;
  std::string reason;
  std::string dispatch_id;  // Of an exchange.
  // Whose it is; nothing if it does not say.
  std::optional<size_t> call;
  // Of an exchange: what the attempt has taken, as one call.
  SpentAmounts amounts;
  bool estimated = false;
  // Of a debit: by scopes, and all together.
  BudgetModel::Charges charges;
};

class LedgerModel {
 public:
  // Takes in what is committed. Returns its lines, of which some may be of ids
  // that are there already.
  std::vector<LedgerLine> Commits(std::string_view texts);

  // The first of that id; null if it is not there.
  const LedgerLine* Find(std::string_view id) const;
  // How many there are of it.
  int CountOf(std::string_view id) const;

  const std::vector<LedgerLine>& lines() const { return lines_; }

 private:
  std::vector<LedgerLine> lines_;
  std::map<std::string, std::vector<size_t>, std::less<>> places_;
};

}  // namespace gateway

#endif  // TESTS_SIMULATION_LEDGER_MODEL_H_
