#include "service/config/config_problem.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "base/text/shown_text.h"

namespace gateway {

std::string ConfigProblem::ToString() const {
  std::string text = source;
  if (place.line > 0) {
    absl::StrAppend(&text, ":", place.line, ":", place.column);
  }
  for (const std::string* const part : {&path, &message}) {
    if (part->empty()) continue;
    absl::StrAppend(&text, text.empty() ? "" : ": ", *part);
  }
  return ShownText(text);
}

ConfigProblem ConfigProblem::AsOfText() const {
  if (place.source.empty()) return *this;
  const ConfigProblem in_file = {source, place, "", message};
  return {"", {}, path, in_file.ToString(), is_issue};
}

void FieldPlaces::Add(std::string path, TextPlace place) {
  places_.try_emplace(std::move(path), place);
}

TextPlace FieldPlaces::Find(std::string_view path) const {
  while (true) {
    const auto found = places_.find(ToAbsl(path));
    if (found != places_.end()) return found->second;
    const size_t cut = path.find_last_of(".[");
    if (cut == std::string_view::npos) return {};
    path = path.substr(0, cut);
  }
}

void ConfigProblems::Add(TextPlace place, std::string_view path,
                         std::string_view message) {
  Keep(Told(std::move(place), path, message), &problems_);
}

void ConfigProblems::AddFrom(std::string_view source, std::string_view path,
                             std::string_view message) {
  Keep({std::string(source), {}, std::string(path), std::string(message)},
       &problems_);
}

void ConfigProblems::Warn(TextPlace place, std::string_view path,
                          std::string_view message) {
  Keep(Told(std::move(place), path, message), &warnings_);
}

void ConfigProblems::WarnOfIssue(TextPlace place, std::string_view path,
                                 std::string_view message) {
  ConfigProblem issue = Told(std::move(place), path, message);
  issue.is_issue = true;
  Keep(std::move(issue), &warnings_);
}

void ConfigProblems::TellAs(std::string path, std::string written) {
  TellAsFrom(std::move(path), "", std::move(written));
}

void ConfigProblems::TellAsFrom(std::string path, std::string source,
                                std::string written) {
  written_.insert_or_assign(std::move(path),
                            Origin{std::move(source), std::move(written)});
}

ConfigProblem ConfigProblems::Told(TextPlace place, std::string_view path,
                                   std::string_view message) const {
  ConfigProblem problem = {place.source.empty() ? source_ : place.source,
                           std::move(place), std::string(path),
                           std::string(message)};
  for (std::string_view field = path; !written_.empty();) {
    const auto found = written_.find(ToAbsl(field));
    if (found != written_.end()) {
      problem.path = found->second.path;
      if (found->second.source.empty()) return problem;
      // Its place is that of what the text has there instead.
      problem.source = found->second.source;
      problem.place = {};
      return problem;
    }
    const size_t cut = field.find_last_of(".[");
    if (cut == std::string_view::npos) break;
    field = field.substr(0, cut);
  }
  return problem;
}

void ConfigProblems::WarnFrom(std::string_view source, std::string_view path,
                              std::string_view message) {
  Keep({std::string(source), {}, std::string(path), std::string(message)},
       &warnings_);
}

void ConfigProblems::Keep(ConfigProblem problem, List* list) {
  // Only the first problem of a field is kept: others would follow from it.
  if (!problem.path.empty() && !paths_.insert(problem.path).second) return;
  ++list->count;
  if (list->kept.size() < kConfigProblemsMax) {
    list->kept.push_back(std::move(problem));
  }
}

std::vector<ConfigProblem> ConfigProblems::Sorted() const {
  return SortedOf(problems_, "problems");
}

std::vector<ConfigProblem> ConfigProblems::SortedWarnings() const {
  return SortedOf(warnings_, "warnings");
}

std::vector<ConfigProblem> ConfigProblems::SortedOf(
    const List& list, std::string_view what) const {
  std::vector<ConfigProblem> sorted = list.kept;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [this](const ConfigProblem& a, const ConfigProblem& b) {
                     return std::tuple(!a.is_issue, a.source != source_,
                                       std::string_view(a.source), a.place.line,
                                       a.place.column) <
                            std::tuple(!b.is_issue, b.source != source_,
                                       std::string_view(b.source), b.place.line,
                                       b.place.column);
                   });
  if (list.count > list.kept.size()) {
    sorted.push_back({source_,
                      {},
                      "",
                      absl::StrCat("and ", list.count - list.kept.size(),
                                   " more ", ToAbsl(what))});
  }
  return sorted;
}

bool CheckCount(const std::string& path, size_t count, size_t most,
                const FieldPlaces& places, ConfigProblems* problems) {
  if (count <= most) return true;
  problems->Add(
      places.Find(path), path,
      absl::StrCat("has ", count, " entries; at most ", most, " are allowed"));
  return false;
}

std::string JoinPath(std::string_view base, std::string_view field) {
  if (base.empty()) return std::string(field);
  return absl::StrCat(ToAbsl(base), ".", ToAbsl(field));
}

std::string ElementPath(std::string_view list, size_t index) {
  return absl::StrCat(ToAbsl(list), "[", index, "]");
}

std::string EntryPath(std::string_view map, std::string_view key) {
  const bool is_name =
      !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' ||
               c == '-';
      });
  if (is_name) return JoinPath(map, key);
  return absl::StrCat(ToAbsl(map), "[\"", absl::Utf8SafeCEscape(ToAbsl(key)),
                      "\"]");
}

}  // namespace gateway
