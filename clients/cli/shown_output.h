// ShownOutput is the one way on which gatewayctl's text reaches standard output
// and standard error: what a gateway, a file, a model or whoever calls one has
// said is shown, and never obeyed. A command writes to its Console, and need
// not think of it:
//
//   ShownOutput shown(std::cerr.rdbuf(), Reader::kTerminal);
//   std::ostream err(&shown);
//   err << model_name;                        // "m\x1b[2J" is `m\u001b[2J`.
//   err << TerminalControl{"\r\x1b[K"};       // Our own: reaches terminals.
//   out << AsItIs{signed_line};               // Exact, but on a terminal.
//
// Controls, marks of direction and what has no width are as JSON escapes them,
// but for line ends and tabs (base/text/shown_text.h). A character whose
// bytes come in two writes is one; what of one is missing at the end, or is not
// UTF-8, is U+FFFD.
//
// Thread contract: one thread at a time. Nothing is held back but the beginning
// of a character; flushing flushes the target.

#ifndef CLIENTS_CLI_SHOWN_OUTPUT_H_
#define CLIENTS_CLI_SHOWN_OUTPUT_H_

#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace gateway {

class ShownOutput : public std::streambuf {
 public:
  // Who reads it: people, or a program or file.
  enum class Reader { kTerminal, kProgram };

  // Borrows the target, which must outlive this object.
  ShownOutput(std::streambuf* target, Reader reader)
      : target_(*target), reader_(reader) {}
  ~ShownOutput() override;

  // What a terminal is to obey; programs do not get it. False if it could not
  // be written, as for PutAsItIs.
  bool PutControl(std::string_view sequence);
  // What programs get byte by byte, and terminals as all else.
  bool PutAsItIs(std::string_view text);

 protected:
  int_type overflow(int_type c) override;
  std::streamsize xsputn(const char* bytes, std::streamsize count) override;
  int sync() override;

 private:
  bool PutShown(std::string_view text);
  bool Forward(std::string_view text);

  std::streambuf& target_;
  const Reader reader_;
  std::string begun_;  // The beginning of a character; up to 3 bytes.
};

// A sequence of ours that a terminal is to obey, to be put to a stream. It
// must have nothing in it that somebody else has said.
struct TerminalControl {
  std::string_view sequence;
};

// Text that programs are to get byte by byte, such as lines that are signed.
struct AsItIs {
  std::string_view text;
};

// Streams that are no ShownOutput's get both as they are.
std::ostream& operator<<(std::ostream& out, TerminalControl control);
std::ostream& operator<<(std::ostream& out, AsItIs exact);

}  // namespace gateway

#endif  // CLIENTS_CLI_SHOWN_OUTPUT_H_
