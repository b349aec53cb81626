#include "service/config/config_diff.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "service/config/config_problem.h"
#include "service/config/field_value.h"
#include "service/config/masked.h"
#include "service/config/yaml_writer.h"

namespace gateway {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;
using ::llmgateway::config::v1::GatewayConfig;

// A message as it is, by which it is compared, and as it may be shown.
struct Side {
  const Message* whole = nullptr;
  const Message* masked = nullptr;

  const Reflection& reflection() const { return *whole->GetReflection(); }
  int Size(const FieldDescriptor& field) const {
    return reflection().FieldSize(*whole, &field);
  }
  Side Inner(const FieldDescriptor& field) const {
    return {&reflection().GetMessage(*whole, &field),
            &reflection().GetMessage(*masked, &field)};
  }
  Side Element(const FieldDescriptor& field, int index) const {
    return {&reflection().GetRepeatedMessage(*whole, &field, index),
            &reflection().GetRepeatedMessage(*masked, &field, index)};
  }
};

// A value: the text that is compared, and the one that is shown.
struct Value {
  std::string whole;
  std::string masked;
};

Value BothTexts(const Side& side, const FieldDescriptor& field, int index) {
  return {WriteYamlValue(*side.whole, field, index),
          WriteYamlValue(*side.masked, field, index)};
}

// The field by which entries of a list are known; null if there is none.
const FieldDescriptor* NameField(const FieldDescriptor& list) {
  if (list.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return nullptr;
  for (const char* name : {"name", "id"}) {
    const FieldDescriptor* const field =
        list.message_type()->FindFieldByName(name);
    if (field != nullptr && !field->is_repeated() &&
        field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      return field;
    }
  }
  return nullptr;
}

class Diff {
 public:
  explicit Diff(size_t limit) : limit_(limit) {}

  void Messages(const std::string& path, const Side& before, const Side& after);

  std::vector<ConfigDifference> TakeFound() { return std::move(found_); }

 private:
  bool full() const { return found_.size() >= limit_; }
  void Add(const std::string& path, std::string before, std::string after) {
    if (!full()) found_.push_back({path, std::move(before), std::move(after)});
  }
  void Compare(const std::string& path, const Value& before,
               const Value& after) {
    if (before.whole == after.whole) return;
    Add(path, before.masked, after.masked);
  }

  void Singular(const std::string& path, const FieldDescriptor& field,
                const Side& before, const Side& after);
  void Maps(const std::string& path, const FieldDescriptor& field,
            const Side& before, const Side& after);
  void Lists(const std::string& path, const FieldDescriptor& field,
             const Side& before, const Side& after);
  void ByName(const std::string& path, const FieldDescriptor& field,
              const Side& before, const Side& after);
  void Elements(const std::string& path, const FieldDescriptor& field,
                const Side& before, int before_index, const Side& after,
                int after_index);

  const size_t limit_;
  std::vector<ConfigDifference> found_;
};

void Diff::Messages(const std::string& path, const Side& before,
                    const Side& after) {
  std::vector<const FieldDescriptor*> fields;
  before.reflection().ListFields(*before.whole, &fields);
  std::map<int, const FieldDescriptor*> all;
  for (const FieldDescriptor* field : fields) all[field->number()] = field;
  after.reflection().ListFields(*after.whole, &fields);
  for (const FieldDescriptor* field : fields) all[field->number()] = field;
  for (const auto& [_, field] : all) {
    if (full()) return;
    const std::string field_path = JoinPath(path, field->name());
    if (field->is_map()) {
      Maps(field_path, *field, before, after);
    } else if (field->is_repeated()) {
      Lists(field_path, *field, before, after);
    } else {
      Singular(field_path, *field, before, after);
    }
  }
}

void Diff::Singular(const std::string& path, const FieldDescriptor& field,
                    const Side& before, const Side& after) {
  const bool was = before.reflection().HasField(*before.whole, &field);
  const bool is = after.reflection().HasField(*after.whole, &field);
  if (was && is && !IsTextual(field)) {
    return Messages(path, before.Inner(field), after.Inner(field));
  }
  Compare(path, was ? BothTexts(before, field, 0) : Value(),
          is ? BothTexts(after, field, 0) : Value());
}

void Diff::Maps(const std::string& path, const FieldDescriptor& field,
                const Side& before, const Side& after) {
  const FieldDescriptor& key = *field.message_type()->map_key();
  const FieldDescriptor& value = *field.message_type()->map_value();
  // By key, since two maps need not have their entries in the same order.
  const auto collect =
      [&](const Message& message,
          const std::function<std::string&(const std::string& key)>& text_of) {
        const Reflection& reflection = *message.GetReflection();
        for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
          const Message& entry =
              reflection.GetRepeatedMessage(message, &field, i);
          text_of(entry.GetReflection()->GetString(entry, &key)) =
              WriteYamlValue(entry, value, 0);
        }
      };
  std::map<std::string, std::pair<Value, Value>> entries;
  collect(*before.whole, [&entries](const std::string& name) -> std::string& {
    return entries[name].first.whole;
  });
  collect(*before.masked, [&entries](const std::string& name) -> std::string& {
    return entries[name].first.masked;
  });
  collect(*after.whole, [&entries](const std::string& name) -> std::string& {
    return entries[name].second.whole;
  });
  collect(*after.masked, [&entries](const std::string& name) -> std::string& {
    return entries[name].second.masked;
  });
  for (const auto& [name, values] : entries) {
    Compare(EntryPath(path, name), values.first, values.second);
  }
}

void Diff::Elements(const std::string& path, const FieldDescriptor& field,
                    const Side& before, int before_index, const Side& after,
                    int after_index) {
  const bool was = before_index >= 0;
  const bool is = after_index >= 0;
  const std::string element =
      ElementPath(path, static_cast<size_t>(is ? after_index : before_index));
  if (was && is && !IsTextual(field)) {
    return Messages(element, before.Element(field, before_index),
                    after.Element(field, after_index));
  }
  Compare(element, was ? BothTexts(before, field, before_index) : Value(),
          is ? BothTexts(after, field, after_index) : Value());
}

void Diff::Lists(const std::string& path, const FieldDescriptor& field,
                 const Side& before, const Side& after) {
  if (NameField(field) != nullptr) return ByName(path, field, before, after);
  const int before_size = before.Size(field);
  const int after_size = after.Size(field);
  for (int i = 0; i < std::max(before_size, after_size) && !full(); ++i) {
    Elements(path, field, before, i < before_size ? i : -1, after,
             i < after_size ? i : -1);
  }
}

// An entry's name, and how many before it have the same: where a list may have
// several of one name, the first of them is compared with the first.
using NameAndTurn = std::pair<std::string, int>;

std::vector<NameAndTurn> EntryNamesOf(const Side& side,
                                      const FieldDescriptor& list) {
  const FieldDescriptor& name_field = *NameField(list);
  std::map<std::string, int> turns;
  std::vector<NameAndTurn> names;
  for (int i = 0; i < side.Size(list); ++i) {
    const Side element = side.Element(list, i);
    std::string name =
        element.reflection().GetString(*element.whole, &name_field);
    const int turn = turns[name]++;
    names.emplace_back(std::move(name), turn);
  }
  return names;
}

// As in `[a, b]`.
std::string OrderText(const std::vector<NameAndTurn>& names) {
  const auto add_name = [](std::string* text, const NameAndTurn& each) {
    absl::StrAppend(text, each.first);
  };
  return absl::StrCat("[", absl::StrJoin(names, ", ", add_name), "]");
}

void Diff::ByName(const std::string& path, const FieldDescriptor& field,
                  const Side& before, const Side& after) {
  const std::vector<NameAndTurn> old_names = EntryNamesOf(before, field);
  const std::vector<NameAndTurn> new_names = EntryNamesOf(after, field);
  const auto index_in = [](const std::vector<NameAndTurn>& names,
                           const NameAndTurn& name) {
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? -1 : static_cast<int>(found - names.begin());
  };
  for (size_t i = 0; i < new_names.size(); ++i) {
    Elements(path, field, before, index_in(old_names, new_names[i]), after,
             static_cast<int>(i));
  }
  std::vector<NameAndTurn> stayed;
  for (size_t i = 0; i < old_names.size(); ++i) {
    if (index_in(new_names, old_names[i]) >= 0) {
      stayed.push_back(old_names[i]);
    } else {
      Elements(path, field, before, static_cast<int>(i), after, -1);
    }
  }
  std::vector<NameAndTurn> now;
  for (const NameAndTurn& name : new_names) {
    if (index_in(old_names, name) >= 0) now.push_back(name);
  }
  if (stayed != now) {
    Add(path, OrderText(stayed), OrderText(now));
  }
}

}  // namespace

std::vector<ConfigDifference> DiffConfigs(const GatewayConfig& before,
                                          const GatewayConfig& after,
                                          size_t limit) {
  const GatewayConfig masked_before = MaskConfig(before);
  const GatewayConfig masked_after = MaskConfig(after);
  Diff diff(limit);
  diff.Messages("", {&before, &masked_before}, {&after, &masked_after});
  return diff.TakeFound();
}

}  // namespace gateway
