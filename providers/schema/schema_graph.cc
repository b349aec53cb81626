#include "providers/schema/schema_graph.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "providers/schema/schema_index.h"

namespace gateway {
namespace {

constexpr std::pair<std::string_view, uint8_t> kTypes[] = {
    {"array", kArrayType},
    {"boolean", kBooleanType},
    {"integer", kIntegerType},
    {"null", kNullType},
    {"number", kIntegerType | kFractionType},
    {"object", kObjectType},
    {"string", kStringType}};

size_t CostOfBytes(size_t bytes) {
  constexpr size_t kBytesAStep = 32;
  return 1 + bytes / kBytesAStep;
}

// What it costs to compare a value with `operand`, or to look its names up.
size_t CostOf(const JsonTree& operand) {
  return CostOfBytes(operand.dump().size());
}

class GraphReader {
 public:
  explicit GraphReader(const JsonTree& root) : root_(root), index_(root) {}

  absl::StatusOr<SchemaGraph> Run() {
    GATEWAY_RETURN_IF_ERROR(index_.Build());
    NodeOf(root_);
    // By index, since the list grows while it is walked.
    for (size_t i = 0; i < sources_.size(); ++i) {
      SchemaNode node;
      GATEWAY_RETURN_IF_ERROR(ReadNode(*sources_[i], &node));
      graph_.nodes.resize(std::max(graph_.nodes.size(), i + 1));
      graph_.nodes[i] = std::move(node);
    }
    GATEWAY_RETURN_IF_ERROR(CheckLoops());
    // Estimates what a node's values, names and numbers take.
    constexpr size_t kNodeExtraBytes = 1024;
    graph_.weight =
        graph_.nodes.size() * (sizeof(SchemaNode) + kNodeExtraBytes) +
        patterns_ * Pattern::kMemoryBytesMax;
    return std::move(graph_);
  }

 private:
  using ReadKeyword = absl::Status (GraphReader::*)(const JsonTree& value,
                                                    const TreePlace& place,
                                                    SchemaNode* node);
  struct Keyword {
    std::string_view name;
    ReadKeyword read;
  };

  static absl::Status Wrong(const TreePlace& place, std::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat(place.ToString(), ": ", ToAbsl(what)));
  }

  // Returns the number of the node that a schema becomes.
  int NodeOf(const JsonTree& schema) {
    const auto [at, added] =
        numbers_.emplace(&schema, static_cast<int>(sources_.size()));
    if (added) sources_.push_back(&schema);
    return at->second;
  }

  absl::Status ReadNode(const JsonTree& schema, SchemaNode* node);
  absl::Status ReadItems(const JsonTree& schema, const TreePlace& place,
                         SchemaNode* node);
  static absl::StatusOr<std::vector<std::string>> ReadNames(
      const JsonTree& names, const TreePlace& place);

  // Each reads one keyword.
  absl::Status ReadType(const JsonTree& value, const TreePlace& place,
                        SchemaNode* node);
  absl::Status ReadConst(const JsonTree& value, const TreePlace& place,
                         SchemaNode* node);
  absl::Status ReadEnum(const JsonTree& value, const TreePlace& place,
                        SchemaNode* node);
  template <std::optional<JsonTree> SchemaNode::* number>
  absl::Status ReadNumber(const JsonTree& value, const TreePlace& place,
                          SchemaNode* node);
  absl::Status ReadMultipleOf(const JsonTree& value, const TreePlace& place,
                              SchemaNode* node);
  template <std::optional<uint64_t> SchemaNode::* count>
  absl::Status ReadCount(const JsonTree& value, const TreePlace& place,
                         SchemaNode* node);
  absl::Status ReadPattern(const JsonTree& value, const TreePlace& place,
                           SchemaNode* node);
  absl::Status ReadUniqueItems(const JsonTree& value, const TreePlace& place,
                               SchemaNode* node);
  template <int SchemaNode::* child>
  absl::Status ReadChild(const JsonTree& value, const TreePlace& place,
                         SchemaNode* node);
  template <std::vector<int> SchemaNode::* children>
  absl::Status ReadChildren(const JsonTree& value, const TreePlace& place,
                            SchemaNode* node);
  absl::Status ReadRequired(const JsonTree& value, const TreePlace& place,
                            SchemaNode* node);
  absl::Status ReadProperties(const JsonTree& value, const TreePlace& place,
                              SchemaNode* node);
  absl::Status ReadPatternProperties(const JsonTree& value,
                                     const TreePlace& place, SchemaNode* node);
  absl::Status ReadDependencies(const JsonTree& value, const TreePlace& place,
                                SchemaNode* node);

  absl::StatusOr<Pattern> CompilePattern(std::string_view text,
                                         const TreePlace& place);
  static std::vector<int> SameValue(const SchemaNode& node);
  absl::Status CheckLoops() const;

  const JsonTree& root_;
  SchemaIndex index_;
  absl::flat_hash_map<const JsonTree*, int> numbers_;
  std::vector<const JsonTree*> sources_;
  SchemaGraph graph_;
  size_t patterns_ = 0;
};

absl::Status GraphReader::ReadNode(const JsonTree& schema, SchemaNode* node) {
  static constexpr Keyword kKeywords[] = {
      {"additionalProperties",
       &GraphReader::ReadChild<&SchemaNode::other_properties>},
      {"allOf", &GraphReader::ReadChildren<&SchemaNode::all_of>},
      {"anyOf", &GraphReader::ReadChildren<&SchemaNode::any_of>},
      {"const", &GraphReader::ReadConst},
      {"contains", &GraphReader::ReadChild<&SchemaNode::contains>},
      {"dependencies", &GraphReader::ReadDependencies},
      {"dependentRequired", &GraphReader::ReadDependencies},
      {"dependentSchemas", &GraphReader::ReadDependencies},
      {"else", &GraphReader::ReadChild<&SchemaNode::else_node>},
      {"enum", &GraphReader::ReadEnum},
      {"exclusiveMaximum",
       &GraphReader::ReadNumber<&SchemaNode::exclusive_maximum>},
      {"exclusiveMinimum",
       &GraphReader::ReadNumber<&SchemaNode::exclusive_minimum>},
      {"if", &GraphReader::ReadChild<&SchemaNode::if_node>},
      {"maxItems", &GraphReader::ReadCount<&SchemaNode::max_items>},
      {"maxLength", &GraphReader::ReadCount<&SchemaNode::max_length>},
      {"maxProperties", &GraphReader::ReadCount<&SchemaNode::max_properties>},
      {"maximum", &GraphReader::ReadNumber<&SchemaNode::maximum>},
      {"minItems", &GraphReader::ReadCount<&SchemaNode::min_items>},
      {"minLength", &GraphReader::ReadCount<&SchemaNode::min_length>},
      {"minProperties", &GraphReader::ReadCount<&SchemaNode::min_properties>},
      {"minimum", &GraphReader::ReadNumber<&SchemaNode::minimum>},
      {"multipleOf", &GraphReader::ReadMultipleOf},
      {"not", &GraphReader::ReadChild<&SchemaNode::not_node>},
      {"oneOf", &GraphReader::ReadChildren<&SchemaNode::one_of>},
      {"pattern", &GraphReader::ReadPattern},
      {"patternProperties", &GraphReader::ReadPatternProperties},
      {"properties", &GraphReader::ReadProperties},
      {"propertyNames", &GraphReader::ReadChild<&SchemaNode::property_names>},
      {"required", &GraphReader::ReadRequired},
      {"then", &GraphReader::ReadChild<&SchemaNode::then_node>},
      {"type", &GraphReader::ReadType},
      {"uniqueItems", &GraphReader::ReadUniqueItems},
  };
  const TreePlace& place = index_.PlaceOf(schema);
  if (schema.is_boolean()) {
    node->never = !schema.get<bool>();
    return absl::OkStatus();
  }
  if (!schema.is_object()) {
    return Wrong(place, "must be a schema: an object, true or false");
  }
  const auto ref = schema.find("$ref");
  if (ref != schema.end()) {
    if (!ref->is_string()) {
      return Wrong({.parent = &place, .key = "$ref"}, "must be a string");
    }
    GATEWAY_ASSIGN_OR_RETURN(
        const JsonTree* const target,
        index_.Resolve(schema, ref->get_ref<const std::string&>()));
    node->all_of.push_back(NodeOf(*target));
    if (!index_.siblings_count()) return absl::OkStatus();
  }
  for (const Keyword& keyword : kKeywords) {
    const auto value = schema.find(keyword.name);
    if (value == schema.end()) continue;
    GATEWAY_RETURN_IF_ERROR((this->*keyword.read)(
        *value, {.parent = &place, .key = keyword.name}, node));
  }
  return ReadItems(schema, place, node);
}

absl::Status GraphReader::ReadItems(const JsonTree& schema,
                                    const TreePlace& place, SchemaNode* node) {
  const auto prefix = schema.find("prefixItems");
  const auto items = schema.find("items");
  const bool listed = items != schema.end() && items->is_array();
  if (prefix != schema.end()) {
    GATEWAY_RETURN_IF_ERROR(ReadChildren<&SchemaNode::first_items>(
        *prefix, {.parent = &place, .key = "prefixItems"}, node));
    if (listed) {
      return Wrong({.parent = &place, .key = "items"},
                   "must be one schema where prefixItems is a list");
    }
  }
  if (items == schema.end()) return absl::OkStatus();
  if (!listed) {
    node->other_items = NodeOf(*items);
    return absl::OkStatus();
  }
  for (const JsonTree& item : *items) {
    node->first_items.push_back(NodeOf(item));
  }
  const auto other = schema.find("additionalItems");
  if (other != schema.end()) node->other_items = NodeOf(*other);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> GraphReader::ReadNames(
    const JsonTree& names, const TreePlace& place) {
  const bool is_list =
      names.is_array() &&
      std::all_of(names.begin(), names.end(),
                  [](const JsonTree& name) { return name.is_string(); });
  if (!is_list) return Wrong(place, "must be a list of names");
  return names.get<std::vector<std::string>>();
}

absl::Status GraphReader::ReadType(const JsonTree& value,
                                   const TreePlace& place, SchemaNode* node) {
  node->types = 0;
  const JsonTree names = value.is_array() ? value : JsonTree::array({value});
  for (const JsonTree& name : names) {
    const auto* const known = std::find_if(
        std::begin(kTypes), std::end(kTypes), [&](const auto& type) {
          return name.is_string() &&
                 name.get_ref<const std::string&>() == type.first;
        });
    if (known == std::end(kTypes)) return Wrong(place, "names no type");
    node->types |= known->second;
  }
  return absl::OkStatus();
}

absl::Status GraphReader::ReadConst(const JsonTree& value, const TreePlace&,
                                    SchemaNode* node) {
  node->constant = value;
  node->cost += CostOf(value);
  return absl::OkStatus();
}

absl::Status GraphReader::ReadEnum(const JsonTree& value,
                                   const TreePlace& place, SchemaNode* node) {
  if (!value.is_array()) return Wrong(place, "must be an array");
  node->choices = value;
  node->cost += CostOf(value);
  return absl::OkStatus();
}

template <std::optional<JsonTree> SchemaNode::* number>
absl::Status GraphReader::ReadNumber(const JsonTree& value,
                                     const TreePlace& place, SchemaNode* node) {
  if (!value.is_number()) return Wrong(place, "must be a number");
  node->*number = value;
  return absl::OkStatus();
}

absl::Status GraphReader::ReadMultipleOf(const JsonTree& value,
                                         const TreePlace& place,
                                         SchemaNode* node) {
  if (!value.is_number() || value.get<double>() <= 0) {
    return Wrong(place, "must be a number above 0");
  }
  node->multiple_of = value;
  return absl::OkStatus();
}

template <std::optional<uint64_t> SchemaNode::* count>
absl::Status GraphReader::ReadCount(const JsonTree& value,
                                    const TreePlace& place, SchemaNode* node) {
  if (!value.is_number_integer() || value.get<int64_t>() < 0) {
    return Wrong(place, "must be a whole number, at least 0");
  }
  node->*count = value.get<uint64_t>();
  return absl::OkStatus();
}

absl::StatusOr<Pattern> GraphReader::CompilePattern(std::string_view text,
                                                    const TreePlace& place) {
  if (++patterns_ > SchemaGraph::kPatternsMax) {
    return Wrong(place, absl::StrCat("the schema has more than ",
                                     SchemaGraph::kPatternsMax, " patterns"));
  }
  absl::StatusOr<Pattern> pattern = Pattern::Compile(text);
  if (!pattern.ok()) return Wrong(place, ToStd(pattern.status().message()));
  return pattern;
}

absl::Status GraphReader::ReadPattern(const JsonTree& value,
                                      const TreePlace& place,
                                      SchemaNode* node) {
  if (!value.is_string()) return Wrong(place, "must be a string");
  GATEWAY_ASSIGN_OR_RETURN(
      node->pattern,
      CompilePattern(value.get_ref<const std::string&>(), place));
  return absl::OkStatus();
}

absl::Status GraphReader::ReadUniqueItems(const JsonTree& value,
                                          const TreePlace& place,
                                          SchemaNode* node) {
  if (!value.is_boolean()) return Wrong(place, "must be true or false");
  node->unique_items = value.get<bool>();
  return absl::OkStatus();
}

template <int SchemaNode::* child>
absl::Status GraphReader::ReadChild(const JsonTree& value, const TreePlace&,
                                    SchemaNode* node) {
  node->*child = NodeOf(value);
  return absl::OkStatus();
}

template <std::vector<int> SchemaNode::* children>
absl::Status GraphReader::ReadChildren(const JsonTree& value,
                                       const TreePlace& place,
                                       SchemaNode* node) {
  if (!value.is_array() || value.empty()) {
    return Wrong(place, "must be a list of schemas");
  }
  for (const JsonTree& child : value) {
    (node->*children).push_back(NodeOf(child));
  }
  return absl::OkStatus();
}

absl::Status GraphReader::ReadRequired(const JsonTree& value,
                                       const TreePlace& place,
                                       SchemaNode* node) {
  node->cost += CostOf(value);
  GATEWAY_ASSIGN_OR_RETURN(node->required, ReadNames(value, place));
  return absl::OkStatus();
}

absl::Status GraphReader::ReadProperties(const JsonTree& value,
                                         const TreePlace& place,
                                         SchemaNode* node) {
  if (!value.is_object()) return Wrong(place, "must be an object");
  for (const auto& [name, schema] : value.items()) {
    node->properties.emplace(name, NodeOf(schema));
  }
  return absl::OkStatus();
}

absl::Status GraphReader::ReadPatternProperties(const JsonTree& value,
                                                const TreePlace& place,
                                                SchemaNode* node) {
  if (!value.is_object()) return Wrong(place, "must be an object");
  for (const auto& [text, schema] : value.items()) {
    GATEWAY_ASSIGN_OR_RETURN(
        Pattern pattern, CompilePattern(text, {.parent = &place, .key = text}));
    node->pattern_properties.emplace_back(std::move(pattern), NodeOf(schema));
  }
  return absl::OkStatus();
}

absl::Status GraphReader::ReadDependencies(const JsonTree& value,
                                           const TreePlace& place,
                                           SchemaNode* node) {
  if (!value.is_object()) return Wrong(place, "must be an object");
  for (const auto& [name, schema] : value.items()) {
    const bool may_list = place.key != "dependentSchemas";
    if (place.key == "dependentRequired" || (may_list && schema.is_array())) {
      node->cost += CostOf(schema);
      GATEWAY_ASSIGN_OR_RETURN(
          std::vector<std::string> names,
          ReadNames(schema, {.parent = &place, .key = name}));
      node->dependent_names.emplace_back(name, std::move(names));
      continue;
    }
    node->cost += CostOfBytes(name.size());
    node->dependent_schemas.emplace_back(name, NodeOf(schema));
  }
  return absl::OkStatus();
}

std::vector<int> GraphReader::SameValue(const SchemaNode& node) {
  std::vector<int> nodes = {node.not_node, node.if_node, node.then_node,
                            node.else_node};
  for (const auto* list : {&node.all_of, &node.any_of, &node.one_of}) {
    nodes.insert(nodes.end(), list->begin(), list->end());
  }
  for (const auto& [name, dependent] : node.dependent_schemas) {
    nodes.push_back(dependent);
  }
  return nodes;
}

// Looks for a path from a node to itself, depth first and without recursion.
absl::Status GraphReader::CheckLoops() const {
  enum class State : char { kNew, kOpen, kDone };
  std::vector<State> states(graph_.nodes.size(), State::kNew);
  std::vector<std::pair<int, std::vector<int>>> path;
  const auto open = [&](int number) {
    states[number] = State::kOpen;
    path.emplace_back(number, SameValue(graph_.nodes[number]));
  };
  for (size_t start = 0; start < states.size(); ++start) {
    if (states[start] == State::kNew) open(static_cast<int>(start));
    while (!path.empty()) {
      auto& [number, next] = path.back();
      if (next.empty()) {
        states[number] = State::kDone;
        path.pop_back();
        continue;
      }
      const int to = next.back();
      next.pop_back();
      if (to == SchemaNode::kNone || states[to] == State::kDone) continue;
      if (states[to] == State::kOpen) {
        return Wrong(index_.PlaceOf(*sources_[to]),
                     "leads back to itself without a step into the value");
      }
      open(to);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SchemaGraph> ReadSchemaGraph(std::string_view text) {
  if (text.size() > SchemaGraph::kTextBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "#: the schema is larger than ", SchemaGraph::kTextBytesMax, " bytes"));
  }
  const absl::StatusOr<JsonTree> root = ReadJsonTree(text);
  if (!root.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("#: ", root.status().message()));
  }
  GATEWAY_ASSIGN_OR_RETURN(SchemaGraph graph, GraphReader(*root).Run());
  graph.weight += text.size();
  return graph;
}

}  // namespace gateway
