// ChatPrinter shows the events of one streamed answer as they come: the answer
// on standard output; on standard error the reasoning, dimmed, the tools that
// are called, and at the end where the call went and what it took. Of several
// answers it shows the first, and says how many others there are.
//
//   ChatPrinter printer(console, /*as_json=*/false);
//   for (const v1::GenerateEvent& event : stream) printer.Print(event);
//   printer.Finish();
//
// Thread contract: one thread at a time.

#ifndef CLIENTS_CLI_CHAT_PRINTER_H_
#define CLIENTS_CLI_CHAT_PRINTER_H_

#include <string>

#include "absl/status/status.h"
#include "clients/cli/console.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

class ChatPrinter {
 public:
  // As JSON each event is a line of standard output, and nothing else is
  // printed.
  ChatPrinter(const Console& console, bool as_json);

  // Fails if it cannot be said as JSON.
  absl::Status Print(const llmgateway::v1::GenerateEvent& event);

  // Ends the line that was begun. Also where the stream has broken off.
  void Finish();

  // What the model has said so far in its first answer, without its reasoning.
  // A refusal is what it says, too.
  const std::string& answer() const { return answer_; }

 private:
  // What is being said.
  enum class Voice { kNobody, kAnswer, kReasoning, kTool };

  void Show(const llmgateway::v1::GenerateEvent& event);
  void PrintDelta(const llmgateway::v1::Delta& delta);
  void Say(Voice voice, const std::string& text);
  void Turn(Voice to);
  void TellOfOthers();

  const Console& console_;
  const bool as_json_;
  std::string answer_;
  int others_ = 0;  // Answers that are not shown, and not told of yet.
  Voice voice_ = Voice::kNobody;
  bool at_line_start_ = true;
};

// As in `mock/m (default): 10 tokens in, 20 out, $0.0001, 1.25s`.
std::string ChatEndText(const llmgateway::v1::StreamEnd& end);

}  // namespace gateway

#endif  // CLIENTS_CLI_CHAT_PRINTER_H_
