// ConfigProblems collects everything that is wrong with a configuration, so
// that whoever wrote it mends it once and not mistake by mistake.
//
//   ConfigProblems problems("gateway.yaml");
//   problems.Add({3, 5}, "listeners.grpc", "unknown field; did you mean ...");
//   for (const ConfigProblem& problem : problems.Sorted()) {
//     std::cerr << problem.ToString() << '\n';
//   }
//
// prints
//
//   gateway.yaml:3:5: listeners.grpc: unknown field; did you mean ...
//
// What may be meant, and yet will not do what it seems to, is a warning; one of
// what cannot work at all, while the rest does, is an issue.
//
// FieldPlaces remembers where in a text each field was given, so that checks
// made after reading can point there too.
//
// Thread-compatible.

#ifndef SERVICE_CONFIG_CONFIG_PROBLEM_H_
#define SERVICE_CONFIG_CONFIG_PROBLEM_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

namespace gateway {

// More problems than this are counted but not kept.
inline constexpr size_t kConfigProblemsMax = 1000;

// A place in a text, from 1; 0 if it is not known.
struct TextPlace {
  int line = 0;
  int column = 0;
  std::string source = {};  // The file; empty for that of the problems.
};

struct ConfigProblem {
  std::string source;  // The file, or "environment".
  TextPlace place;
  std::string path;     // Such as `providers[0].name`; may be empty.
  std::string message;  // What is wrong and what to do.
  bool is_issue = false;  // Of a warning.

  // As a terminal may have it: of what the file says nothing is obeyed.
  std::string ToString() const;

  // The same for whoever has the text alone: what is wrong in a file that the
  // text names is at no place of it, and is told with its own.
  ConfigProblem AsOfText() const;
};

class FieldPlaces {
 public:
  // Adds the place of a path; the first one given stays.
  void Add(std::string path, TextPlace place);

  // Returns where `path` was given, or else the nearest field around it.
  TextPlace Find(std::string_view path) const;

 private:
  absl::flat_hash_map<std::string, TextPlace> places_;
};

class ConfigProblems {
 public:
  explicit ConfigProblems(std::string source) : source_(std::move(source)) {}

  // Adds a problem. Only the first of one field is kept. A problem without a
  // path concerns the text as a whole.
  void Add(TextPlace place, std::string_view path, std::string_view message);

  // Adds a problem of another source, such as "environment".
  void AddFrom(std::string_view source, std::string_view path,
               std::string_view message);

  // Adds a warning about a field.
  void Warn(TextPlace place, std::string_view path, std::string_view message);

  // Adds a warning that is an issue.
  void WarnOfIssue(TextPlace place, std::string_view path,
                   std::string_view message);

  // Tells from now on what concerns the field `path`, or one within it, as of
  // the field `written`, from which it was made: for a file that has fields of
  // its own.
  void TellAs(std::string path, std::string written);

  // The same for a field that was set by something else than the text, such as
  // a variable: by `written` of `source`, where it then has to be mended.
  void TellAsFrom(std::string path, std::string source, std::string written);

  // Adds a warning of another source.
  void WarnFrom(std::string_view source, std::string_view path,
                std::string_view message);

  // True if there are no problems; there may be warnings.
  bool empty() const { return problems_.count == 0; }

  // Return all, sorted by source, then by place in the text, then in the order
  // in which they were added. Of the warnings the issues come first.
  std::vector<ConfigProblem> Sorted() const;
  std::vector<ConfigProblem> SortedWarnings() const;

 private:
  struct List {
    std::vector<ConfigProblem> kept;
    size_t count = 0;
  };

  // Where a field was written.
  struct Origin {
    std::string source;  // Empty for the text.
    std::string path;
  };

  // Returns the problem as it is told, by where its field was written.
  ConfigProblem Told(TextPlace place, std::string_view path,
                     std::string_view message) const;
  void Keep(ConfigProblem problem, List* list);
  std::vector<ConfigProblem> SortedOf(const List& list,
                                      std::string_view what) const;

  std::string source_;
  // By the path of the field that was made from it.
  absl::flat_hash_map<std::string, Origin> written_;
  // Those that have a problem already.
  absl::flat_hash_set<std::string> paths_;
  List problems_;
  List warnings_;
};

// Returns whether a list has at most so many entries; adds a problem if not.
bool CheckCount(const std::string& path, size_t count, size_t most,
                const FieldPlaces& places, ConfigProblems* problems);

// Joins `base` and a field within it: "a" and "b" give "a.b".
std::string JoinPath(std::string_view base, std::string_view field);

// Names an element of a list: "a" and 2 give "a[2]".
std::string ElementPath(std::string_view list, size_t index);

// Names an entry of a map: "a" and "b" give "a.b", or `a["b c"]` where the key
// does not look like a name.
std::string EntryPath(std::string_view map, std::string_view key);

}  // namespace gateway

#endif  // SERVICE_CONFIG_CONFIG_PROBLEM_H_
