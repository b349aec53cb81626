#include "clients/cli/shown_output.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/text/shown_text.h"

namespace gateway {
namespace {

constexpr size_t kCharacterBytesMax = 4;

// How many bytes the character has that begins so; 1 for what begins none.
size_t BytesOfCharacter(unsigned char first) {
  if (first >= 0xf8) return 1;
  if (first >= 0xf0) return 4;
  if (first >= 0xe0) return 3;
  return first >= 0xc0 ? 2 : 1;
}

// How many bytes at the end of the text begin a character that goes on.
size_t BegunBytes(std::string_view text) {
  const size_t most = std::min(text.size(), kCharacterBytesMax - 1);
  for (size_t bytes = 1; bytes <= most; ++bytes) {
    const auto byte = static_cast<unsigned char>(text[text.size() - bytes]);
    if ((byte & 0xc0) == 0x80) continue;
    return BytesOfCharacter(byte) > bytes ? bytes : 0;
  }
  return 0;
}

}  // namespace

ShownOutput::~ShownOutput() {
  if (!begun_.empty()) Forward(ShownText(begun_));
}

bool ShownOutput::PutControl(std::string_view sequence) {
  return reader_ == Reader::kProgram || Forward(sequence);
}

bool ShownOutput::PutAsItIs(std::string_view text) {
  if (reader_ == Reader::kTerminal) return PutShown(text);
  const std::string begun = std::move(begun_);
  begun_.clear();
  return Forward(begun) && Forward(text);
}

ShownOutput::int_type ShownOutput::overflow(int_type c) {
  if (traits_type::eq_int_type(c, traits_type::eof())) {
    return traits_type::not_eof(c);
  }
  const char byte = traits_type::to_char_type(c);
  return PutShown({&byte, 1}) ? c : traits_type::eof();
}

std::streamsize ShownOutput::xsputn(const char* bytes, std::streamsize count) {
  return PutShown({bytes, static_cast<size_t>(count)}) ? count : 0;
}

int ShownOutput::sync() { return target_.pubsync(); }

bool ShownOutput::PutShown(std::string_view text) {
  if (begun_.empty()) {
    const size_t begun = BegunBytes(text);
    begun_ = text.substr(text.size() - begun);
    return Forward(ShownText(text.substr(0, text.size() - begun)));
  }
  std::string whole = std::move(begun_);
  whole.append(text);
  const size_t begun = BegunBytes(whole);
  begun_ = whole.substr(whole.size() - begun);
  whole.resize(whole.size() - begun);
  return Forward(ShownText(whole));
}

bool ShownOutput::Forward(std::string_view text) {
  const auto count = static_cast<std::streamsize>(text.size());
  return target_.sputn(text.data(), count) == count;
}

std::ostream& operator<<(std::ostream& out, TerminalControl control) {
  auto* const shown = dynamic_cast<ShownOutput*>(out.rdbuf());
  if (shown == nullptr) return out << control.sequence;
  if (!shown->PutControl(control.sequence)) out.setstate(std::ios::badbit);
  return out;
}

std::ostream& operator<<(std::ostream& out, AsItIs exact) {
  auto* const shown = dynamic_cast<ShownOutput*>(out.rdbuf());
  if (shown == nullptr) return out << exact.text;
  if (!shown->PutAsItIs(exact.text)) out.setstate(std::ios::badbit);
  return out;
}

}  // namespace gateway
