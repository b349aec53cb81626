#include "providers/body_form.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "absl/strings/match.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// How pages begin.
constexpr std::string_view kPageBegins[] = {"<!doctype", "<html", "<head",
                                            "<body", "<?xml"};

// How lines of server-sent events do.
constexpr std::string_view kEventBegins[] = {
    "data:", "event:", "id:", "retry:", ":"};

std::string_view WithoutSpaceBefore(std::string_view body) {
  if (body.starts_with(kByteOrderMark)) {
    body.remove_prefix(kByteOrderMark.size());
  }
  const size_t begin = body.find_first_not_of(" \t\r\n");
  return begin == std::string_view::npos ? std::string_view()
                                         : body.substr(begin);
}

}  // namespace

BodyForm FormOf(Framing framing, std::string_view body) {
  const std::string_view text = WithoutSpaceBefore(body);
  if (text.empty()) return BodyForm::kBlank;
  if (text.front() == '[') return BodyForm::kList;
  if (text.front() == '{') {
    // With another object behind it.
    const bool has_lines = framing == Framing::kJsonLines &&
                           text.find("}\n{") != std::string_view::npos;
    return has_lines ? BodyForm::kEvents : BodyForm::kObject;
  }
  const bool is_page = std::any_of(
      std::begin(kPageBegins), std::end(kPageBegins),
      [text](std::string_view page) {
        return absl::StartsWithIgnoreCase(ToAbsl(text), ToAbsl(page));
      });
  if (is_page) return BodyForm::kPage;
  const bool is_event = std::any_of(
      std::begin(kEventBegins), std::end(kEventBegins),
      [text](std::string_view line) { return text.starts_with(line); });
  return is_event ? BodyForm::kEvents : BodyForm::kText;
}

bool IsNoStream(Framing framing, std::string_view begin) {
  switch (FormOf(framing, begin)) {
    case BodyForm::kPage:
    case BodyForm::kList:
      return true;
    case BodyForm::kObject:
      return framing == Framing::kServerSentEvents;
    case BodyForm::kBlank:
    case BodyForm::kEvents:
    case BodyForm::kText:
      break;
  }
  return false;
}

bool IsNoWhole(Framing framing, std::string_view body) {
  const BodyForm form = FormOf(framing, body);
  return form == BodyForm::kPage || form == BodyForm::kList ||
         form == BodyForm::kEvents;
}

std::string_view BodyFormName(BodyForm form) {
  switch (form) {
    case BodyForm::kPage:
      return "a page";
    case BodyForm::kObject:
      return "an object";
    case BodyForm::kList:
      return "a list";
    case BodyForm::kEvents:
      return "the events of a stream";
    case BodyForm::kBlank:
    case BodyForm::kText:
      break;
  }
  return {};
}

}  // namespace gateway
