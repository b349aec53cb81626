#include "service/routing/model_rule_index.h"

#include <algorithm>
#include <utility>

#include "service/routing/model_matcher.h"

namespace gateway {
namespace {

constexpr std::string_view kWildcards = "*?";

// Lowers `best` to the first of the rising numbers that is at least `from`.
void LowerTo(const std::vector<uint32_t>& numbers, size_t from,
             uint32_t& best) {
  const auto found = std::lower_bound(numbers.begin(), numbers.end(), from);
  if (found != numbers.end()) best = std::min(best, *found);
}

uint64_t ChildKey(uint32_t node, char first) {
  return uint64_t{node} << 8 | static_cast<uint8_t>(first);
}

// Returns whether the text that ends `taken` bytes before the name's end ends
// with `edge`, read from behind.
bool EndsWithReversed(std::string_view text, size_t taken,
                      std::string_view edge) {
  if (edge.size() > text.size() - taken) return false;
  const char* last = text.data() + text.size() - taken - 1;
  for (const char c : edge) {
    if (*last-- != c) return false;
  }
  return true;
}

}  // namespace

ModelRuleIndex::ModelRuleIndex(absl::Span<const Rule> rules) {
  // Never moved, since exact_ refers to them.
  texts_.resize(rules.size());
  AddNode("", kNone, /*is_end=*/false);
  for (uint32_t number = 0; number < rules.size(); ++number) {
    Add(rules[number], number);
  }
  LowerAncestors();
  compared_globs_max_ = CountComparedMax();
}

void ModelRuleIndex::Add(const Rule& rule, uint32_t number) {
  const std::string_view text = rule.text;
  if (rule.match == Match::kPrefix) {
    AddEnds(text, "", /*compared=*/false, number);
    return;
  }
  texts_[number] = text;
  const size_t first = text.find_first_of(kWildcards);
  if (rule.match == Match::kExact || first == std::string_view::npos) {
    exact_[texts_[number]].push_back(number);
    return;
  }
  const size_t last = text.find_last_of(kWildcards);
  const bool compared =
      text.substr(first, last + 1 - first).find_first_not_of('*') !=
      std::string_view::npos;
  AddEnds(text.substr(0, first), text.substr(last + 1), compared, number);
}

void ModelRuleIndex::AddEnds(std::string_view beginning, std::string_view end,
                             bool compared, uint32_t number) {
  const uint32_t begins = Insert(0, beginning);
  if (nodes_[begins].ends == kNone) {
    const uint32_t root = AddNode("", begins, /*is_end=*/true);
    nodes_[begins].ends = root;
  }
  const std::string reversed(end.rbegin(), end.rend());
  Node& ends = nodes_[Insert(nodes_[begins].ends, reversed)];
  (compared ? ends.compared : ends.matching).push_back(number);
}

uint32_t ModelRuleIndex::AddNode(std::string_view edge, uint32_t parent,
                                 bool is_end) {
  nodes_.push_back({.edge = std::string(edge),
                    .parent = parent,
                    .is_end = is_end,
                    .ends = kNone,
                    .lowest = kNone});
  return static_cast<uint32_t>(nodes_.size() - 1);
}

uint32_t ModelRuleIndex::ChildOf(uint32_t node, char first) const {
  const auto found = children_.find(ChildKey(node, first));
  return found == children_.end() ? kNone : found->second;
}

uint32_t ModelRuleIndex::Insert(uint32_t root, std::string_view text) {
  uint32_t node = root;
  while (!text.empty()) {
    const uint32_t child = ChildOf(node, text.front());
    if (child == kNone) {
      const uint32_t added = AddNode(text, node, nodes_[root].is_end);
      children_[ChildKey(node, text.front())] = added;
      return added;
    }
    const std::string& edge = nodes_[child].edge;
    const size_t common =
        std::mismatch(edge.begin(), edge.end(), text.begin(), text.end())
            .first -
        edge.begin();
    node = common == edge.size() ? child : Split(child, common);
    text.remove_prefix(common);
  }
  return node;
}

uint32_t ModelRuleIndex::Split(uint32_t node, size_t edge_bytes) {
  const std::string edge =
      std::exchange(nodes_[node].edge, nodes_[node].edge.substr(edge_bytes));
  const uint32_t parent = nodes_[node].parent;
  const uint32_t middle = AddNode(std::string_view(edge).substr(0, edge_bytes),
                                  parent, nodes_[node].is_end);
  children_[ChildKey(parent, edge.front())] = middle;
  children_[ChildKey(middle, edge[edge_bytes])] = node;
  nodes_[node].parent = middle;
  return middle;
}

void ModelRuleIndex::LowerAncestors() {
  for (const Node& node : nodes_) {
    uint32_t lowest = kNone;
    LowerTo(node.matching, 0, lowest);
    LowerTo(node.compared, 0, lowest);
    if (lowest == kNone) continue;
    for (uint32_t at = static_cast<uint32_t>(&node - nodes_.data());
         at != kNone && nodes_[at].lowest > lowest; at = nodes_[at].parent) {
      nodes_[at].lowest = lowest;
    }
  }
}

size_t ModelRuleIndex::CountComparedMax() const {
  // A name has one path of beginnings, and at each one path of ends.
  std::vector<size_t> of_beginning(nodes_.size());
  for (const Node& node : nodes_) {
    if (node.compared.empty()) continue;
    size_t count = 0;
    uint32_t at = static_cast<uint32_t>(&node - nodes_.data());
    for (; nodes_[at].is_end; at = nodes_[at].parent) {
      count += nodes_[at].compared.size();
    }
    of_beginning[at] = std::max(of_beginning[at], count);
  }
  size_t most = 0;
  for (uint32_t node = 0; node < nodes_.size(); ++node) {
    if (of_beginning[node] == 0) continue;
    size_t count = 0;
    for (uint32_t at = node; at != kNone; at = nodes_[at].parent) {
      count += of_beginning[at];
    }
    most = std::max(most, count);
  }
  return most;
}

std::optional<size_t> ModelRuleIndex::Find(std::string_view model,
                                           size_t from) const {
  uint32_t best = kNone;
  const auto exact = exact_.find(model);
  if (exact != exact_.end()) LowerTo(exact->second, from, best);
  uint32_t node = 0;
  size_t begun = 0;
  while (nodes_[node].lowest < best) {
    if (nodes_[node].ends != kNone) {
      SearchEnds(nodes_[node].ends, model, begun, from, best);
    }
    if (begun == model.size()) break;
    node = ChildOf(node, model[begun]);
    if (node == kNone) break;
    const std::string& edge = nodes_[node].edge;
    if (model.compare(begun, edge.size(), edge) != 0) break;
    begun += edge.size();
  }
  if (best == kNone) return std::nullopt;
  return best;
}

void ModelRuleIndex::SearchEnds(uint32_t root, std::string_view model,
                                size_t begun, size_t from,
                                uint32_t& best) const {
  // A name in which beginning and end overlap does not match.
  const std::string_view rest = model.substr(begun);
  uint32_t node = root;
  size_t taken = 0;
  while (nodes_[node].lowest < best) {
    const Node& here = nodes_[node];
    LowerTo(here.matching, from, best);
    for (auto number =
             std::lower_bound(here.compared.begin(), here.compared.end(), from);
         number != here.compared.end() && *number < best; ++number) {
      if (MatchesGlob(texts_[*number], model)) best = *number;
    }
    if (taken == rest.size()) return;
    node = ChildOf(node, rest[rest.size() - 1 - taken]);
    if (node == kNone) return;
    if (!EndsWithReversed(rest, taken, nodes_[node].edge)) return;
    taken += nodes_[node].edge.size();
  }
}

}  // namespace gateway
