#include "clients/cli/help.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/string_view.h"
#include "service/version.h"

namespace gateway {
namespace {

constexpr std::string_view kWhatItIs =
    "finds the LLM gateway that runs on this machine, talks with its models "
    "and operates it";
constexpr size_t kHelpColumns = 80;

// Adds words to lines that begin at a column and end before kHelpColumns.
class HelpLines {
 public:
  HelpLines(size_t column, std::string* out) : column_(column), out_(*out) {}

  // A newline in the text begins a line; what a line begins with is kept.
  void Add(std::string_view text) {
    for (const absl::string_view line : absl::StrSplit(ToAbsl(text), '\n')) {
      const size_t begins = line.find_first_not_of(' ');
      StartLine(begins == line.npos ? 0 : begins);
      for (const absl::string_view word :
           absl::StrSplit(line, ' ', absl::SkipEmpty())) {
        AddWord(word);
      }
      EndLine();
    }
  }

 private:
  size_t LineBytes() const {
    const size_t newline = out_.rfind('\n');
    return out_.size() - (newline == std::string::npos ? 0 : newline + 1);
  }

  void StartLine(size_t more) {
    const size_t from = column_ + more;
    if (LineBytes() + (LineBytes() == 0 ? 0 : 1) > from) EndLine();
    out_.append(from - LineBytes(), ' ');
    at_start_ = true;
  }

  void AddWord(absl::string_view word) {
    if (!at_start_ && LineBytes() + 1 + word.size() > kHelpColumns) {
      EndLine();
      StartLine(0);
    }
    absl::StrAppend(&out_, at_start_ ? "" : " ", word);
    at_start_ = false;
  }

  void EndLine() { out_ += '\n'; }

  const size_t column_;
  std::string& out_;
  bool at_start_ = true;
};

void AddItem(const HelpItem& item, size_t column, std::string* out) {
  HelpLines(2, out).Add(item.term);
  if (item.text.empty()) return;
  out->pop_back();  // The text goes on in the line of the term, if it can.
  HelpLines(column, out).Add(item.text);
}

void AddSection(const HelpSection& section, std::string* out) {
  *out += '\n';
  HelpLines(0, out).Add(absl::StrCat(ToAbsl(section.title), ":"));
  for (const HelpItem& item : section.items) {
    AddItem(item, section.column, out);
  }
  if (!section.note.empty()) HelpLines(2, out).Add(section.note);
}

// What roff takes for itself is escaped.
std::string Roff(std::string_view text) {
  std::string escaped =
      absl::StrReplaceAll(ToAbsl(text), {{"\\", "\\e"}, {"-", "\\-"}});
  if (absl::StartsWith(escaped, ".") || absl::StartsWith(escaped, "'")) {
    escaped.insert(0, "\\&");
  }
  return absl::StrReplaceAll(
      escaped, {{"\n.", "\n\\&."}, {"\n'", "\n\\&'"}, {"\n ", "\n.br\n "}});
}

}  // namespace

std::string HelpText() {
  std::string text;
  HelpLines(0, &text).Add(absl::StrCat("gatewayctl ", ToAbsl(kWhatItIs), "."));
  for (const HelpSection& section : HelpSections()) AddSection(section, &text);
  return text;
}

std::string HelpTextOf(std::string_view command) {
  std::string does;
  std::string takes;
  const std::string start = absl::StrCat("gatewayctl ", ToAbsl(command), " ");
  for (const HelpSection& section : HelpSections()) {
    for (const HelpItem& item : section.items) {
      if (absl::StartsWith(absl::StrCat(ToAbsl(item.term), " "), start)) {
        AddItem(item, section.column, &does);
      }
    }
    const std::vector<absl::string_view> commands =
        absl::StrSplit(ToAbsl(section.commands), ' ');
    const bool is_of_it = std::find(commands.begin(), commands.end(),
                                    ToAbsl(command)) != commands.end();
    if (is_of_it) AddSection(section, &takes);
  }
  if (does.empty()) return HelpText();
  return absl::StrCat(does, takes,
                      "\ngatewayctl --help tells of every command.\n");
}

std::string ManualPage() {
  std::string page = absl::StrCat(
      ".TH GATEWAYCTL 1 \"\" \"llm-gateway ", ToAbsl(kVersion),
      "\" \"User Commands\"\n.SH NAME\ngatewayctl \\- ", Roff(kWhatItIs),
      "\n.SH SYNOPSIS\n.B gatewayctl\n[\\fIFLAG\\fR...] "
      "\\fICOMMAND\\fR [\\fIWORD\\fR...]\n");
  for (const HelpSection& section : HelpSections()) {
    absl::StrAppend(&page, ".SH \"", absl::AsciiStrToUpper(Roff(section.title)),
                    "\"\n");
    for (const HelpItem& item : section.items) {
      absl::StrAppend(&page, ".TP\n.B ", Roff(item.term), "\n", Roff(item.text),
                      "\n");
    }
    if (!section.note.empty()) {
      absl::StrAppend(&page, ".PP\n", Roff(section.note), "\n");
    }
  }
  return page;
}

}  // namespace gateway
