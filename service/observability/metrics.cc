#include "service/observability/metrics.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/os/clock.h"
#include "base/os/mutex.h"

namespace gateway {

MetricShard::Cell::Cell(const MetricDefinition& definition)
    : definition(definition) {
  switch (definition.kind) {
    case MetricKind::kCounter:
      break;  // The variant's first type is right.
    case MetricKind::kGauge:
      metric.emplace<Gauge>();
      break;
    case MetricKind::kHistogram:
      metric.emplace<MetricHistogram>(definition.bounds);
      break;
  }
}

void MetricShard::Sum::Add(const Cell& cell) {
  definition = &cell.definition;
  if (const auto* counter = std::get_if<Counter>(&cell.metric)) {
    number +=
        static_cast<double>(counter->value_.load(std::memory_order_relaxed));
  } else if (const auto* gauge = std::get_if<Gauge>(&cell.metric)) {
    number +=
        static_cast<double>(gauge->value_.load(std::memory_order_relaxed));
  } else {
    const auto& histogram = std::get<MetricHistogram>(cell.metric);
    number += histogram.sum_.load(std::memory_order_relaxed);
    counts.resize(histogram.counts_.size());
    for (size_t i = 0; i < counts.size(); ++i) {
      counts[i] += histogram.counts_[i].load(std::memory_order_relaxed);
    }
    const Exemplars* const known =
        histogram.exemplars_.load(std::memory_order_acquire);
    if (known != nullptr) Add(*known);
  }
}

void MetricShard::Sum::Add(const Exemplars& others) {
  exemplars.resize(counts.size());
  for (size_t i = 0; i < counts.size(); ++i) {
    std::optional<Exemplar> other = others.Read(i);
    if (!other.has_value()) continue;
    if (exemplars[i].has_value() && exemplars[i]->time > other->time) continue;
    exemplars[i] = std::move(other);
  }
}

MetricValue MetricShard::Sum::Value(const LabelKey& labels) const {
  MetricValue value;
  for (size_t i = 0; i < labels.size(); ++i) {
    value.labels.emplace_back(definition->label_names[i], labels[i]);
  }
  if (definition->kind != MetricKind::kHistogram) {
    // A quotient is the nearest double, which a product with 1e-9 is not.
    value.number = number / static_cast<double>(definition->per_unit);
    return value;
  }
  // Counted from the buckets, so that a reading in the middle of an
  // observation still adds up.
  HistogramValue& histogram = value.histogram;
  histogram.sum = number;
  histogram.exemplars = exemplars;
  for (size_t i = 0; i < counts.size(); ++i) {
    histogram.count += counts[i];
    if (i < definition->bounds.size()) {
      histogram.buckets.push_back(
          {.upper_bound = definition->bounds[i], .count = histogram.count});
    }
  }
  return value;
}

Counter& MetricShard::CounterOf(const MetricDefinition& definition,
                                LabelValues labels) {
  assert(definition.kind == MetricKind::kCounter);
  return std::get<Counter>(CellOf(definition, labels).metric);
}

Gauge& MetricShard::GaugeOf(const MetricDefinition& definition,
                            LabelValues labels) {
  assert(definition.kind == MetricKind::kGauge);
  return std::get<Gauge>(CellOf(definition, labels).metric);
}

MetricHistogram& MetricShard::HistogramOf(const MetricDefinition& definition,
                                          LabelValues labels) {
  assert(definition.kind == MetricKind::kHistogram);
  return std::get<MetricHistogram>(CellOf(definition, labels).metric);
}

MetricShard::Cell& MetricShard::CellOf(const MetricDefinition& definition,
                                       LabelValues labels) {
  assert(labels.size() == definition.label_names.size());
  MutexLock lock(mu_);
  std::pair<std::string_view, LabelKey> key(
      definition.name, LabelKey(labels.begin(), labels.end()));
  const auto found = cells_.find(key);
  if (found != cells_.end()) return found->second;
  key.second = registry_.ReserveLabels(definition, std::move(key.second));
  return cells_.try_emplace(std::move(key), definition).first->second;
}

void MetricShard::AddTo(Sums& sums) const {
  MutexLock lock(mu_);
  for (const auto& [key, cell] : cells_) sums[key].Add(cell);
}

MetricShard& MetricRegistry::AddShard() {
  std::unique_ptr<MetricShard> shard(new MetricShard(*this));
  MutexLock lock(mu_);
  shards_.push_back(std::move(shard));
  return *shards_.back();
}

void MetricRegistry::AddSource(const MetricDefinition& definition,
                               MetricShard::LabelValues labels, Source source) {
  assert(definition.kind != MetricKind::kHistogram);
  assert(labels.size() == definition.label_names.size());
  MutexLock lock(mu_);
  sources_.push_back({.definition = definition,
                      .labels = LabelKey(labels.begin(), labels.end()),
                      .source = std::move(source)});
}

void MetricRegistry::AddCollector(Collector collect) {
  MutexLock lock(mu_);
  collectors_.push_back(std::move(collect));
}

void MetricRegistry::AddDerived(Derive derive) {
  MutexLock lock(mu_);
  derived_.push_back(std::move(derive));
}

void MetricRegistry::Values::Add(const MetricDefinition& definition,
                                 MetricShard::LabelValues labels,
                                 double value) {
  assert(definition.kind != MetricKind::kHistogram);
  assert(labels.size() == definition.label_names.size());
  MetricShard::Sum& sum =
      sums_[{definition.name, LabelKey(labels.begin(), labels.end())}];
  sum.definition = &definition;
  sum.number += value;
}

MetricRegistry::LabelKey MetricRegistry::ReserveLabels(
    const MetricDefinition& definition, LabelKey labels) {
  MutexLock lock(mu_);
  std::set<LabelKey>& label_sets = label_sets_[definition.name];
  if (label_sets.contains(labels)) return labels;
  if (label_sets.size() >= definition.label_sets_limit) {
    return LabelKey(labels.size(), std::string(kOtherLabel));
  }
  label_sets.insert(labels);
  return labels;
}

void MetricRegistry::AddFamilies(const std::vector<const Derive*>& derived,
                                 MetricsSnapshot* snapshot) {
  std::vector<MetricFamilyValue> added;
  for (const Derive* const derive : derived) {
    for (MetricFamilyValue& family : (*derive)(*snapshot)) {
      added.push_back(std::move(family));
    }
  }
  for (MetricFamilyValue& family : added) {
    snapshot->families.push_back(std::move(family));
  }
  std::sort(snapshot->families.begin(), snapshot->families.end(),
            [](const MetricFamilyValue& a, const MetricFamilyValue& b) {
              return a.name < b.name;
            });
}

MetricsSnapshot MetricRegistry::Read() const {
  // Read without the lock, since sources and collectors may take locks of their
  // own.
  std::vector<const MetricShard*> shards;
  std::vector<const SourceEntry*> sources;
  std::vector<const Collector*> collectors;
  std::vector<const Derive*> derived;
  {
    MutexLock lock(mu_);
    for (const auto& shard : shards_) shards.push_back(shard.get());
    for (const SourceEntry& source : sources_) sources.push_back(&source);
    for (const Collector& each : collectors_) collectors.push_back(&each);
    for (const Derive& each : derived_) derived.push_back(&each);
  }
  MetricShard::Sums sums;
  for (const MetricShard* shard : shards) shard->AddTo(sums);
  for (const SourceEntry* source : sources) {
    MetricShard::Sum& sum = sums[{source->definition.name, source->labels}];
    sum.definition = &source->definition;
    sum.number += source->source();
  }
  Values values(sums);
  for (const Collector* collect : collectors) (*collect)(values);

  MetricsSnapshot snapshot;
  snapshot.read_time = clock_.WallTime();
  for (const auto& [key, sum] : sums) {
    const MetricDefinition& definition = *sum.definition;
    if (snapshot.families.empty() ||
        snapshot.families.back().name != definition.name) {
      snapshot.families.push_back({.name = std::string(definition.name),
                                   .help = std::string(definition.help),
                                   .kind = definition.kind,
                                   .per_unit = definition.per_unit});
    }
    snapshot.families.back().metrics.push_back(sum.Value(key.second));
  }
  if (!derived.empty()) AddFamilies(derived, &snapshot);
  return snapshot;
}

}  // namespace gateway
