// Follows a stream of the Responses format as the official clients do, and
// says what is wrong with it: events out of order, numbers with gaps, texts
// that are not what their pieces make up, a last event that does not hold what
// was told.
//
//   EXPECT_EQ(BrokenRule(stream), "");

#ifndef TESTS_PROVIDERS_DIALECTS_OPENAI_RESPONSES_STREAM_RULES_H_
#define TESTS_PROVIDERS_DIALECTS_OPENAI_RESPONSES_STREAM_RULES_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text/sse_parser.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "providers/dialects/dialect.h"

namespace gateway::responses {

class StreamRules {
 public:
  // The first rule that the stream breaks; empty if none.
  std::string Follow(std::string_view stream) {
    SseParser parser(1 << 20);
    if (!parser.Feed(stream).ok()) return "not a stream";
    SseEvent event;
    while (broken_.empty() && parser.Next(&event)) {
      last_ = std::string(event.name);
      Json data;
      if (!google::protobuf::util::JsonStringToMessage(std::string(event.data),
                                                       &data)
               .ok()) {
        return absl::StrCat("not JSON: ", std::string(event.data));
      }
      Check(Text(data, "type") == last_, "the event's name is its type");
      Check(Number(data, "sequence_number") == count_, "numbers have no gaps");
      if (count_ == 0) {
        Check(last_ == "response.created", "a response is created first");
      }
      ++count_;
      Check(!ended_, "nothing follows the end");
      Take(last_, data);
      if (!broken_.empty()) {
        absl::StrAppend(&broken_, " in ", std::string(event.data));
      }
    }
    if (broken_.empty() && !ended_) broken_ = "the stream has an end";
    return broken_;
  }

 private:
  using Json = google::protobuf::Struct;

  struct Item {
    Json added;
    Json done;
    bool is_done = false;
    std::map<int, std::string> texts;
    std::map<int, bool> open;
  };

  void Check(bool kept, std::string_view rule) {
    if (!kept && broken_.empty()) broken_ = std::string(rule);
  }

  static std::string Text(const Json& json, const std::string& key) {
    const auto found = json.fields().find(key);
    return found == json.fields().end() ? "" : found->second.string_value();
  }
  static int Number(const Json& json, const std::string& key) {
    const auto found = json.fields().find(key);
    return found == json.fields().end()
               ? -1
               : static_cast<int>(found->second.number_value());
  }
  static Json Object(const Json& json, const std::string& key) {
    const auto found = json.fields().find(key);
    return found == json.fields().end() ? Json() : found->second.struct_value();
  }
  static bool EndsWith(std::string_view text, std::string_view end) {
    return text.ends_with(end);
  }

  void Take(const std::string& type, const Json& data) {
    if (type == "response.output_item.added") {
      const int index = static_cast<int>(items_.size());
      Check(Number(data, "output_index") == index, "items are counted");
      items_[index].added = Object(data, "item");
    } else if (type == "response.output_item.done") {
      Item* item = OpenItem(data);
      if (item == nullptr) return;
      item->is_done = true;
      item->done = Object(data, "item");
      for (const auto& [index, open] : item->open) {
        Check(!open, "parts are done before their item");
      }
    } else if (type == "response.completed" || type == "response.incomplete" ||
               type == "response.failed") {
      ended_ = true;
      if (type != "response.failed") TakeEnd(type, Object(data, "response"));
    } else if (data.fields().contains("item_id")) {
      Item* item = OpenItem(data);
      if (item != nullptr) TakeInItem(type, data, *item);
    }
  }

  Item* OpenItem(const Json& data) {
    const auto found = items_.find(Number(data, "output_index"));
    if (found == items_.end() || found->second.is_done) {
      Check(false, "an item is added before its events and done after them");
      return nullptr;
    }
    const std::string id = Text(data, "item_id");
    Check(id.empty() || id == Text(found->second.added, "id"),
          "events name their item");
    return &found->second;
  }

  // What a provider's own tools tell has no common form.
  static bool IsModelled(std::string_view type) {
    for (const std::string_view prefix :
         {"content_part.", "output_text.", "refusal.", "reasoning_",
          "function_call_arguments.", "custom_tool_call_input."}) {
      if (type.substr(std::string_view("response.").size())
              .starts_with(prefix)) {
        return true;
      }
    }
    return false;
  }

  void TakeInItem(const std::string& type, const Json& data, Item& item) {
    if (!IsModelled(type)) return;
    int index = Number(data, "content_index");
    if (index < 0) index = Number(data, "summary_index");
    const bool in_part = index >= 0;
    if (!in_part) index = 0;
    if (EndsWith(type, "_part.added")) {
      Check(index == static_cast<int>(item.open.size()), "parts are counted");
      item.open[index] = true;
    } else if (EndsWith(type, "_part.done")) {
      Check(item.open[index], "a part is added before it is done");
      item.open[index] = false;
      const Json part = Object(data, "part");
      Check(Text(part, "text") + Text(part, "refusal") == item.texts[index],
            "a part is what its pieces make up");
    } else if (EndsWith(type, ".delta")) {
      Check(!in_part || item.open[index], "pieces come within their part");
      item.texts[index] += Text(data, "delta");
    } else if (EndsWith(type, ".done")) {
      const std::string whole = Text(data, "text") + Text(data, "refusal") +
                                Text(data, "arguments") + Text(data, "input");
      Check(whole == item.texts[index], "a text is what its pieces make up");
    }
  }

  void TakeEnd(const std::string& type, const Json& response) {
    Check("response." + Text(response, "status") == type,
          "the end has the status of the response");
    const auto& output = response.fields().at("output").list_value();
    Check(output.values_size() == static_cast<int>(items_.size()),
          "the response holds each item");
    for (const auto& [index, item] : items_) {
      Check(item.is_done, "each item is done");
      if (index >= output.values_size()) return;
      Check(google::protobuf::util::MessageDifferencer::Equals(
                item.done, output.values(index).struct_value()),
            "the response holds the items as they were done");
    }
  }

  std::string broken_;
  std::string last_;
  int count_ = 0;
  bool ended_ = false;
  std::map<int, Item> items_;
};

inline std::string BrokenRule(std::string_view stream) {
  return StreamRules().Follow(stream);
}

}  // namespace gateway::responses

#endif  // TESTS_PROVIDERS_DIALECTS_OPENAI_RESPONSES_STREAM_RULES_H_
