// Translation is a GatewayConfig in the making, out of a file that has fields
// of its own. It remembers which of those each field was made from, so that
// every later check names the place and the field that somebody wrote.
//
//   Translation translation(&config, &places, &problems);
//   config.mutable_routing()->mutable_rollout()->set_enabled(false);
//   translation.From("gatewayEnabled", "routing.rollout.enabled");
//   translation.Warn("proxyEnabled", "is not followed");
//
// Thread-compatible. Borrows what it is made with.

#ifndef SERVICE_CONFIG_COMPATIBILITY_TRANSLATION_H_
#define SERVICE_CONFIG_COMPATIBILITY_TRANSLATION_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "google/protobuf/map.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"

namespace gateway {

class Translation {
 public:
  template <typename Value>
  using Entries = std::vector<std::pair<std::string, Value>>;

  Translation(llmgateway::config::v1::GatewayConfig* config,
              FieldPlaces* places, ConfigProblems* problems)
      : config_(*config), places_(*places), problems_(*problems) {}

  llmgateway::config::v1::GatewayConfig& config() { return config_; }

  // The field `field`, with all in it that has no origin of its own, was made
  // from the file's field `written`.
  void From(const std::string& written, const std::string& field);

  // The system that the file is of keeps a ledger, without being told to: at
  // this path of its root.
  void KeepsLedger(std::string_view path) { usual_ledger_ = path; }
  const std::string& usual_ledger() const { return usual_ledger_; }

  // Add what concerns a field of the file.
  void Add(const std::string& written, std::string_view message);
  void Warn(const std::string& written, std::string_view message);

  // Returns whether a number is within its range; adds a problem if not.
  bool CheckRange(const std::string& written, int64_t value, int64_t least,
                  int64_t most);

  // Returns the entries of the map at `path` in the file's order.
  template <typename Value>
  Entries<Value> InOrder(const google::protobuf::Map<std::string, Value>& map,
                         const std::string& path) const {
    using Place = std::tuple<int, int, std::string_view>;
    std::vector<std::pair<Place, const Value*>> places;
    for (const auto& [key, value] : map) {
      const TextPlace place = places_.Find(EntryPath(path, key));
      places.push_back({{place.line, place.column, key}, &value});
    }
    std::sort(places.begin(), places.end());
    Entries<Value> entries;
    for (const auto& [place, value] : places) {
      entries.emplace_back(std::get<std::string_view>(place), *value);
    }
    return entries;
  }

 private:
  llmgateway::config::v1::GatewayConfig& config_;
  FieldPlaces& places_;
  ConfigProblems& problems_;
  std::string usual_ledger_;
};

}  // namespace gateway

#endif  // SERVICE_CONFIG_COMPATIBILITY_TRANSLATION_H_
