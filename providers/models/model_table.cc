#include "providers/models/model_table.h"

#include <cstdint>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/string_view.h"

namespace gateway {
namespace {

struct Row {
  const char* vendor;
  const char* model;
  int32_t input_tokens_limit;
  int32_t output_tokens_limit;
  uint16_t known;
  uint16_t has;
};

constexpr Row kRows[] = {
#include "providers/models/model_table.inc"
};

using Key = std::pair<absl::string_view, absl::string_view>;
using Table = absl::flat_hash_map<Key, ModelFacts>;

Table MakeTable() {
  Table table;
  table.reserve(sizeof(kRows) / sizeof(kRows[0]));
  for (const Row& row : kRows) {
    ModelFacts facts;
    facts.input_tokens_limit = row.input_tokens_limit;
    facts.output_tokens_limit = row.output_tokens_limit;
    facts.known = row.known;
    facts.has = row.has;
    table.emplace(Key(row.vendor, row.model), facts);
  }
  return table;
}

}  // namespace

const ModelFacts* FindModelFacts(std::string_view vendor,
                                 std::string_view model) {
  // Never destroyed, since threads may read it while the process exits.
  static const Table& table = *new Table(MakeTable());
  const auto found = table.find(Key(ToAbsl(vendor), ToAbsl(model)));
  return found == table.end() ? nullptr : &found->second;
}

}  // namespace gateway
