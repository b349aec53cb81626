#include "providers/schema/json_schema.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/utf8.h"
#include "providers/schema/json_tree.h"
#include "providers/schema/pattern.h"
#include "providers/schema/schema_graph.h"

namespace gateway {
namespace {

// The deepest nesting of schemas and values together.
constexpr int kDepthMax = 512;

// Reading a text costs one step for so many of its bytes.
constexpr size_t kReadBytesAStep = 64;

constexpr char kTooMuchWork[] =
    "#: takes too much work to be checked by this schema";

SchemaType TypeOf(const JsonTree& value) {
  if (value.is_object()) return kObjectType;
  if (value.is_array()) return kArrayType;
  if (value.is_string()) return kStringType;
  if (value.is_boolean()) return kBooleanType;
  if (value.is_null()) return kNullType;
  if (value.is_number_integer()) return kIntegerType;
  // A number beyond 64 bits is whole.
  return std::abs(value.get<double>()) >= 0x1p63 ? kIntegerType : kFractionType;
}

std::string_view NameOf(SchemaType type) {
  switch (type) {
    case kNullType:
      return "null";
    case kBooleanType:
      return "a boolean";
    case kIntegerType:
      return "an integer";
    case kFractionType:
      return "a number";
    case kStringType:
      return "a string";
    case kArrayType:
      return "an array";
    case kObjectType:
      return "an object";
    case kAnyType:
      break;
  }
  return "anything";
}

std::string NamesOf(uint8_t types) {
  std::vector<absl::string_view> names;
  for (const SchemaType type :
       {kNullType, kBooleanType, kIntegerType, kFractionType, kStringType,
        kArrayType, kObjectType}) {
    // A type that takes any number takes integers, too, so they are not named.
    if (type == kIntegerType && (types & kFractionType) != 0) continue;
    if ((types & type) != 0) names.push_back(ToAbsl(NameOf(type)));
  }
  return names.empty() ? "nothing" : absl::StrJoin(names, " or ");
}

bool IsMultiple(const JsonTree& value, const JsonTree& of) {
  if (value.is_number_integer() && of.is_number_integer()) {
    return value.get<int64_t>() % of.get<int64_t>() == 0;
  }
  const double ratio = value.get<double>() / of.get<double>();
  if (!std::isfinite(ratio)) return false;
  // With a tolerance, since decimal fractions are not exact: 0.0075 is 75 times
  // 0.0001.
  return std::abs(ratio - std::round(ratio)) <=
         1e-12 * std::max(1.0, std::abs(ratio));
}

// Walks one value along the schema.
class Validation {
 public:
  Validation(const std::vector<SchemaNode>& nodes, JsonSchema::Budget& budget)
      : nodes_(nodes), budget_(budget) {}

  std::vector<std::string> Run(const JsonTree& value) {
    std::vector<std::string> errors;
    const bool fits = Fits(0, value, TreePlace(), &errors);
    if (exhausted_) {
      errors.insert(errors.begin(), kTooMuchWork);
    } else if (!fits && errors.empty()) {
      errors.push_back("#: does not fit the schema");
    }
    errors.resize(std::min(errors.size(), JsonSchema::kErrorsMax));
    return errors;
  }

 private:
  // Receives errors; null where only the result counts.
  using Errors = std::vector<std::string>;

  // Returns whether no further failure need be looked for.
  bool Done(const Errors* errors) const {
    return errors == nullptr || exhausted_ ||
           errors->size() >= JsonSchema::kErrorsMax;
  }

  bool Fail(const TreePlace& place, std::string_view what, Errors* errors) {
    if (errors != nullptr && errors->size() < JsonSchema::kErrorsMax) {
      std::string error = absl::StrCat(place.ToString(), ": ", ToAbsl(what));
      error.resize(CutText(error, JsonSchema::kErrorBytesMax).size());
      errors->push_back(std::move(error));
    }
    return false;
  }

  bool Spend(size_t steps) {
    if (steps > budget_.steps_left) return GiveUp();
    budget_.steps_left -= steps;
    return !exhausted_;
  }

  bool GiveUp() {
    budget_.steps_left = 0;
    exhausted_ = true;
    return false;
  }

  // Returns whether the text matches; false if it takes too much to find out.
  bool Matches(const Pattern& pattern, std::string_view text);

  bool Fits(int number, const JsonTree& value, const TreePlace& place,
            Errors* errors);
  bool FitsQuietly(int number, const JsonTree& value, const TreePlace& place) {
    return Fits(number, value, place, nullptr);
  }

  // Checks what the node itself says.
  bool FitsOwn(const SchemaNode& node, const JsonTree& value,
               const TreePlace& place, Errors* errors);
  bool FitsNumber(const SchemaNode& node, const JsonTree& number,
                  const TreePlace& place, Errors* errors);
  bool FitsText(const SchemaNode& node, const std::string& text,
                const TreePlace& place, Errors* errors);
  bool FitsCount(size_t count, std::optional<uint64_t> min,
                 std::optional<uint64_t> max, std::string_view what,
                 const TreePlace& place, Errors* errors);
  bool FitsRequired(const SchemaNode& node, const JsonTree& object,
                    const TreePlace& place, Errors* errors);
  bool IsUnique(const JsonTree& items);

  // Checks what other nodes say of the same value.
  bool FitsSame(const SchemaNode& node, const JsonTree& value,
                const TreePlace& place, Errors* errors);
  bool FitsChoices(const SchemaNode& node, const JsonTree& value,
                   const TreePlace& place, Errors* errors);

  // Checks the elements, or properties, of the value.
  bool FitsItems(const SchemaNode& node, const JsonTree& items,
                 const TreePlace& place, Errors* errors);
  bool FitsProperties(const SchemaNode& node, const JsonTree& object,
                      const TreePlace& place, Errors* errors);
  bool FitsProperty(const SchemaNode& node, const std::string& name,
                    const JsonTree& value, const TreePlace& place,
                    Errors* errors);

  const std::vector<SchemaNode>& nodes_;
  JsonSchema::Budget& budget_;
  int depth_ = 0;
  bool exhausted_ = false;
};

bool Validation::Matches(const Pattern& pattern, std::string_view text) {
  // What a match takes is known once it was made, and it cannot be interrupted:
  // so one that may take a multiple of what is left is not begun.
  constexpr size_t kMultipleMax = 10;
  constexpr size_t kMeasuredFrom = 1000;
  constexpr absl::Duration kStep = absl::Nanoseconds(100);
  if (!Spend(Pattern::Cost(text.size()))) return false;
  const size_t steps_max = pattern.CostMax(text.size());
  if (steps_max < kMeasuredFrom) return pattern.Matches(text);
  if (steps_max / kMultipleMax > budget_.steps_left) return GiveUp();
  const absl::Duration begin = SystemClock().SteadyTime();
  const bool matches = pattern.Matches(text);
  const absl::Duration took = SystemClock().SteadyTime() - begin;
  return Spend(static_cast<size_t>(took / kStep)) && matches;
}

bool Validation::Fits(int number, const JsonTree& value, const TreePlace& place,
                      Errors* errors) {
  if (number == SchemaNode::kNone) return true;
  const SchemaNode& node = nodes_[number];
  if (depth_ >= kDepthMax) exhausted_ = true;
  if (!Spend(node.cost)) return false;
  if (node.never) return Fail(place, "nothing may stand here", errors);
  ++depth_;
  bool fits = FitsOwn(node, value, place, errors);
  if (fits || !Done(errors)) fits &= FitsSame(node, value, place, errors);
  if (fits || !Done(errors)) fits &= FitsChoices(node, value, place, errors);
  if (fits || !Done(errors)) {
    if (value.is_array()) {
      fits &= FitsItems(node, value, place, errors);
    } else if (value.is_object()) {
      fits &= FitsProperties(node, value, place, errors);
    }
  }
  --depth_;
  return fits && !exhausted_;
}

bool Validation::FitsOwn(const SchemaNode& node, const JsonTree& value,
                         const TreePlace& place, Errors* errors) {
  const SchemaType type = TypeOf(value);
  if ((node.types & type) == 0) {
    // Nothing else is checked: all of it would follow from the wrong type.
    return Fail(place,
                absl::StrCat("is ", ToAbsl(NameOf(type)), ", not ",
                             NamesOf(node.types)),
                errors);
  }
  bool fits = true;
  if (node.constant.has_value() && value != *node.constant) {
    fits = Fail(place, "is not the value of const", errors);
  }
  if (node.choices.has_value() &&
      std::find(node.choices->begin(), node.choices->end(), value) ==
          node.choices->end()) {
    fits = Fail(place, "is none of the values of enum", errors);
  }
  if (value.is_number()) return FitsNumber(node, value, place, errors) && fits;
  if (value.is_string()) {
    return FitsText(node, value.get_ref<const std::string&>(), place, errors) &&
           fits;
  }
  if (value.is_array()) {
    fits &= FitsCount(value.size(), node.min_items, node.max_items, "items",
                      place, errors);
    if (node.unique_items && !IsUnique(value)) {
      fits = Fail(place, "has an item twice", errors);
    }
  }
  if (value.is_object()) {
    fits &= FitsCount(value.size(), node.min_properties, node.max_properties,
                      "properties", place, errors);
    fits &= FitsRequired(node, value, place, errors);
  }
  return fits;
}

bool Validation::FitsNumber(const SchemaNode& node, const JsonTree& number,
                            const TreePlace& place, Errors* errors) {
  bool fits = true;
  const auto check = [&](const std::optional<JsonTree>& operand, auto is_met,
                         std::string_view what) {
    if (!operand.has_value() || is_met(number, *operand)) return;
    fits = Fail(place, absl::StrCat(ToAbsl(what), operand->dump()), errors);
  };
  check(node.minimum, std::greater_equal<>(), "is less than ");
  check(node.exclusive_minimum, std::greater<>(), "is not more than ");
  check(node.maximum, std::less_equal<>(), "is more than ");
  check(node.exclusive_maximum, std::less<>(), "is not less than ");
  check(node.multiple_of, IsMultiple, "is no multiple of ");
  return fits;
}

bool Validation::FitsCount(size_t count, std::optional<uint64_t> min,
                           std::optional<uint64_t> max, std::string_view what,
                           const TreePlace& place, Errors* errors) {
  bool fits = true;
  if (min.has_value() && count < *min) {
    fits = Fail(place, absl::StrCat("has less than ", *min, " ", ToAbsl(what)),
                errors);
  }
  if (max.has_value() && count > *max) {
    fits = Fail(place, absl::StrCat("has more than ", *max, " ", ToAbsl(what)),
                errors);
  }
  return fits;
}

bool Validation::FitsRequired(const SchemaNode& node, const JsonTree& object,
                              const TreePlace& place, Errors* errors) {
  bool fits = true;
  const auto require = [&](const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (object.contains(name)) continue;
      fits = Fail(place, absl::StrCat("missing required property '", name, "'"),
                  errors);
    }
  };
  require(node.required);
  for (const auto& [name, names] : node.dependent_names) {
    if (object.contains(name)) require(names);
  }
  return fits;
}

bool Validation::FitsText(const SchemaNode& node, const std::string& text,
                          const TreePlace& place, Errors* errors) {
  bool fits = true;
  if (node.min_length.has_value() || node.max_length.has_value()) {
    constexpr size_t kBytesAStep = 64;
    if (!Spend(text.size() / kBytesAStep)) return false;
    const size_t characters = CountCharacters(text);
    if (characters < node.min_length.value_or(0)) {
      fits = Fail(
          place,
          absl::StrCat("is shorter than ", *node.min_length, " characters"),
          errors);
    }
    if (node.max_length.has_value() && characters > *node.max_length) {
      fits =
          Fail(place,
               absl::StrCat("is longer than ", *node.max_length, " characters"),
               errors);
    }
  }
  if (node.pattern.has_value() && !Matches(*node.pattern, text)) {
    if (exhausted_) return false;
    fits = Fail(place, "does not match the pattern", errors);
  }
  return fits;
}

bool Validation::IsUnique(const JsonTree& items) {
  absl::flat_hash_set<std::string> seen;
  for (const JsonTree& item : items) {
    // Compared as texts: equal values have one text, since numbers are
    // normalized and keys sorted.
    std::string text = item.dump();
    constexpr size_t kBytesAStep = 32;
    if (!Spend(1 + text.size() / kBytesAStep)) return false;
    if (!seen.insert(std::move(text)).second) return false;
  }
  return true;
}

bool Validation::FitsSame(const SchemaNode& node, const JsonTree& value,
                          const TreePlace& place, Errors* errors) {
  bool fits = true;
  for (const int number : node.all_of) {
    fits &= Fits(number, value, place, errors);
    if (!fits && Done(errors)) return false;
  }
  if (value.is_object()) {
    for (const auto& [name, number] : node.dependent_schemas) {
      if (!value.contains(name)) continue;
      fits &= Fits(number, value, place, errors);
      if (!fits && Done(errors)) return false;
    }
  }
  if (node.if_node != SchemaNode::kNone) {
    const bool met = FitsQuietly(node.if_node, value, place);
    fits &= Fits(met ? node.then_node : node.else_node, value, place, errors);
  }
  return fits;
}

bool Validation::FitsChoices(const SchemaNode& node, const JsonTree& value,
                             const TreePlace& place, Errors* errors) {
  bool fits = true;
  const auto met = [&](int number) {
    return FitsQuietly(number, value, place);
  };
  if (!node.any_of.empty() &&
      std::none_of(node.any_of.begin(), node.any_of.end(), met)) {
    // If there is one choice, or one of the right type, its errors are more to
    // the point.
    fits = Fail(place,
                absl::StrCat("fits none of the ", node.any_of.size(),
                             " schemas of anyOf"),
                errors);
    for (const int number : node.any_of) {
      if (Done(errors)) break;
      if (number == SchemaNode::kNone) continue;
      const SchemaNode& choice = nodes_[number];
      if ((choice.types & TypeOf(value)) != 0 && choice.types != kAnyType) {
        Fits(number, value, place, errors);
      }
    }
  }
  if (!node.one_of.empty()) {
    const auto count =
        std::count_if(node.one_of.begin(), node.one_of.end(), met);
    if (count != 1) {
      fits = Fail(place,
                  absl::StrCat("fits ", count, " of the ", node.one_of.size(),
                               " schemas of oneOf, not one"),
                  errors);
    }
  }
  if (node.not_node != SchemaNode::kNone && met(node.not_node)) {
    fits = Fail(place, "fits the schema of not", errors);
  }
  return fits;
}

bool Validation::FitsItems(const SchemaNode& node, const JsonTree& items,
                           const TreePlace& place, Errors* errors) {
  bool fits = true;
  bool contains = node.contains == SchemaNode::kNone;
  for (size_t i = 0; i < items.size(); ++i) {
    const bool said_more = i < node.first_items.size() ||
                           node.other_items != SchemaNode::kNone || !contains;
    if (!said_more) break;
    if (!Spend(1)) return false;
    const TreePlace step = {.parent = &place, .index = i};
    contains = contains || FitsQuietly(node.contains, items[i], step);
    fits &= Fits(
        i < node.first_items.size() ? node.first_items[i] : node.other_items,
        items[i], step, errors);
    if (!fits && Done(errors)) return false;
  }
  if (!contains) {
    fits = Fail(place, "has no item that fits the schema of contains", errors);
  }
  return fits;
}

bool Validation::FitsProperties(const SchemaNode& node, const JsonTree& object,
                                const TreePlace& place, Errors* errors) {
  if (node.properties.empty() && node.pattern_properties.empty() &&
      node.other_properties == SchemaNode::kNone &&
      node.property_names == SchemaNode::kNone) {
    return true;
  }
  bool fits = true;
  for (const auto& [name, value] : object.items()) {
    constexpr size_t kBytesAStep = 64;
    if (!Spend(1 + name.size() / kBytesAStep)) return false;
    fits &= FitsProperty(node, name, value, {.parent = &place, .key = name},
                         errors);
    if (!fits && Done(errors)) return false;
  }
  return fits;
}

bool Validation::FitsProperty(const SchemaNode& node, const std::string& name,
                              const JsonTree& value, const TreePlace& place,
                              Errors* errors) {
  bool fits = true;
  if (node.property_names != SchemaNode::kNone &&
      !FitsQuietly(node.property_names, JsonTree(name), place)) {
    fits = Fail(place, "has a name that may not be", errors);
  }
  bool known = false;
  if (const auto found = node.properties.find(name);
      found != node.properties.end()) {
    known = true;
    fits &= Fits(found->second, value, place, errors);
  }
  for (const auto& [pattern, number] : node.pattern_properties) {
    const bool matches = Matches(pattern, name);
    if (exhausted_) return false;
    if (!matches) continue;
    known = true;
    fits &= Fits(number, value, place, errors);
  }
  if (!known) fits &= Fits(node.other_properties, value, place, errors);
  return fits;
}

}  // namespace

JsonSchema::JsonSchema(std::unique_ptr<const SchemaGraph> graph)
    : graph_(std::move(graph)) {}

JsonSchema::~JsonSchema() = default;

absl::StatusOr<std::shared_ptr<const JsonSchema>> JsonSchema::Compile(
    std::string_view schema_text) {
  GATEWAY_ASSIGN_OR_RETURN(SchemaGraph graph, ReadSchemaGraph(schema_text));
  return std::make_shared<const JsonSchema>(
      std::make_unique<const SchemaGraph>(std::move(graph)));
}

std::vector<std::string> JsonSchema::Validate(std::string_view json) const {
  Budget budget;
  return Validate(json, budget);
}

std::vector<std::string> JsonSchema::Validate(std::string_view json,
                                              Budget& budget) const {
  const size_t reading = 1 + json.size() / kReadBytesAStep;
  if (reading > budget.steps_left) {
    budget.steps_left = 0;
    return {kTooMuchWork};
  }
  budget.steps_left -= reading;
  const absl::StatusOr<JsonTree> value = ReadJsonTree(json);
  if (!value.ok()) {
    return {absl::StrCat("#: ", value.status().message())};
  }
  return Validation(graph_->nodes, budget).Run(*value);
}

size_t JsonSchema::weight() const { return graph_->weight; }

}  // namespace gateway
