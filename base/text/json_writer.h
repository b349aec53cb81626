// JSON, written in one go.
//
//   std::string out;
//   JsonWriter json(&out);
//   json.StartObject();
//   json.StringField("model", model);
//   json.StartArrayField("stop");
//   for (const std::string& stop : stops) json.String(stop);
//   json.EndArray();
//   json.EndObject();
//
// One text, one thread.

#ifndef BASE_TEXT_JSON_WRITER_H_
#define BASE_TEXT_JSON_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gateway {

// Appends one JSON text to a string. Allocates nothing but that string's
// memory. The caller keeps the grammar: keys in objects, what was started is
// ended. Strings must be UTF-8.
class JsonWriter {
 public:
  // The deepest nesting of containers.
  static constexpr int kDepthMax = 63;

  // Appends to `out`, which is borrowed.
  explicit JsonWriter(std::string* out) : out_(*out) {}

  void StartObject() { Open('{'); }
  void EndObject() { Close('}'); }
  void StartArray() { Open('['); }
  void EndArray() { Close(']'); }

  void Key(std::string_view key);
  void String(std::string_view text);
  void Int64(int64_t number);
  // Writes the shortest text that reads back as the same number. NaN and the
  // infinities, which JSON cannot say, become null.
  void Double(double number);
  void Bool(bool truth);
  void Null();
  // Writes a JSON text as it is. REQUIRES: CheckJson accepts it.
  void Raw(std::string_view json);

  // True if more than kDepthMax containers were open at once: what was written
  // is not JSON then. Code that writes as deep as some input is has to ask.
  bool too_deep() const { return too_deep_; }

  // Each writes a key and its value.
  void StringField(std::string_view key, std::string_view text);
  void Int64Field(std::string_view key, int64_t number);
  void DoubleField(std::string_view key, double number);
  void BoolField(std::string_view key, bool truth);
  void NullField(std::string_view key);
  void RawField(std::string_view key, std::string_view json);
  void StartObjectField(std::string_view key);
  void StartArrayField(std::string_view key);

 private:
  void Open(char bracket);
  void Close(char bracket);
  // Writes the comma that is due before a key or element.
  void Separate();
  void Quote(std::string_view text);
  // As Quote, for a text that goes on at `plain` with what needs an escape, or
  // is long.
  void QuoteInPieces(std::string_view text, size_t plain);

  std::string& out_;
  int depth_ = 0;
  bool after_key_ = false;
  bool too_deep_ = false;
  // Bit d is set if the container at depth d has something in it. The last bit
  // stands for all that are too deep.
  uint64_t filled_ = 0;
};

}  // namespace gateway

#endif  // BASE_TEXT_JSON_WRITER_H_
