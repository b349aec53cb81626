// ModelRuleIndex finds the first of many rules, in configured order, that a
// model's name matches.
//
//   const ModelRuleIndex index({{ModelRuleIndex::Match::kExact, "fast"},
//                               {ModelRuleIndex::Match::kPrefix, "gpt-"},
//                               {ModelRuleIndex::Match::kGlob, "*-large"}});
//   index.Find("gpt-5-large");     // 1
//   index.Find("gpt-5-large", 2);  // 2: the next one behind rule 1.
//   index.Find("gemini");          // None.
//
// Exact names are found by their hash. Every other rule has a literal beginning
// and a literal end, either of which may be empty: a prefix has no end, the
// glob `claude-*-latest` has both. Beginnings are kept in a radix tree, and
// each of them has a radix tree of the ends that go with it, read from behind.
// What is looked at are the nodes along one name, so that a lookup costs no
// more among ten thousand rules than among ten.
//
// Beginning and end decide, but for globs with a `?` or with a literal between
// two stars, as `a*b*c` or `*opus*`: those are compared with the name, but only
// where both ends fit. How many there can be for one name is
// compared_globs_max(), and takes some 50 ns each; whoever reads a
// configuration should bound it.
//
// A lookup allocates nothing. Nothing depends on the order of a hash map.
//
// Thread contract: immutable.

#ifndef SERVICE_ROUTING_MODEL_RULE_INDEX_H_
#define SERVICE_ROUTING_MODEL_RULE_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"

namespace gateway {

class ModelRuleIndex {
 public:
  enum class Match {
    kExact,   // An alias, too.
    kPrefix,  // The empty one matches all.
    kGlob,    // `*` is any text, `?` one character (model_matcher.h).
  };

  struct Rule {
    Match match;
    std::string_view text;
  };

  // Copies what it needs. Takes some 10 ms for ten thousand rules.
  explicit ModelRuleIndex(absl::Span<const Rule> rules);

  ModelRuleIndex(ModelRuleIndex&&) = default;
  ModelRuleIndex& operator=(ModelRuleIndex&&) = default;
  // exact_ refers to texts_.
  ModelRuleIndex(const ModelRuleIndex&) = delete;
  ModelRuleIndex& operator=(const ModelRuleIndex&) = delete;

  // Returns the number of the first rule, among those from number `from` on,
  // that matches; none if none does. Rules that can never be followed are
  // better left out of the index: to go on behind a rule is another lookup.
  std::optional<size_t> Find(std::string_view model, size_t from = 0) const;

  // The most globs that one lookup may have to compare with a name.
  size_t compared_globs_max() const { return compared_globs_max_; }

 private:
  using Numbers = std::vector<uint32_t>;  // Of rules, rising.

  // Of the tree of beginnings, or of a tree of ends, where texts are reversed.
  struct Node {
    std::string edge;  // Its text behind its parent's.
    // Of the root of a tree of ends, the beginning that it belongs to.
    uint32_t parent;
    bool is_end;
    uint32_t ends;     // Of a beginning: the root of its ends, or kNone.
    uint32_t lowest;   // The lowest rule here or below.
    Numbers matching;  // Those that match whatever is between.
    Numbers compared;  // Those whose whole text is compared.
  };

  static constexpr uint32_t kNone = UINT32_MAX;

  void Add(const Rule& rule, uint32_t number);
  void AddEnds(std::string_view beginning, std::string_view end, bool compared,
               uint32_t number);
  uint32_t AddNode(std::string_view edge, uint32_t parent, bool is_end);
  // Returns the node of `text` below `root`, which is made if there is none.
  uint32_t Insert(uint32_t root, std::string_view text);
  // Makes a node in the middle of a node's edge, and returns it.
  uint32_t Split(uint32_t node, size_t edge_bytes);
  uint32_t ChildOf(uint32_t node, char first) const;
  void LowerAncestors();
  size_t CountComparedMax() const;

  // Lowers `best` to the first rule from `from` on that begins with the first
  // `begun` bytes of the name, and whose end fits, too.
  void SearchEnds(uint32_t root, std::string_view model, size_t begun,
                  size_t from, uint32_t& best) const;

  std::vector<std::string> texts_;  // By number; of prefixes, empty.
  absl::flat_hash_map<std::string_view, Numbers> exact_;
  std::vector<Node> nodes_;  // The first is the empty beginning.
  // By parent and first byte.
  absl::flat_hash_map<uint64_t, uint32_t> children_;
  size_t compared_globs_max_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_MODEL_RULE_INDEX_H_
