#include "service/observability/metric_history.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

namespace gateway {
namespace {

constexpr MetricDefinition kHistoryBytes = {
    .name = "llmgw_metric_history_bytes",
    .help = "Memory of what GetMetrics tells windows of time by.",
    .kind = MetricKind::kGauge};

// Whole numbers up to here are written as such.
constexpr double kWholeMax = 4503599627370496.0;  // 2^52

void PutVarint(uint64_t number, std::string* out) {
  while (number >= 0x80) {
    out->push_back(static_cast<char>(number | 0x80));
    number >>= 7;
  }
  out->push_back(static_cast<char>(number));
}

// `from` is what PutVarint has written.
uint64_t TakeVarint(std::string_view* from) {
  uint64_t number = 0;
  for (int shift = 0; !from->empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(from->front());
    from->remove_prefix(1);
    number |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) break;
  }
  return number;
}

// A whole number in as few bytes as it takes; any other in nine.
void PutNumber(double number, std::string* out) {
  if (number >= 0 && number <= kWholeMax && number == std::floor(number)) {
    return PutVarint(static_cast<uint64_t>(number) << 1, out);
  }
  PutVarint(1, out);
  char raw[sizeof(number)];
  std::memcpy(raw, &number, sizeof(number));
  out->append(raw, sizeof(raw));
}

double TakeNumber(std::string_view* from) {
  const uint64_t whole = TakeVarint(from);
  if ((whole & 1) == 0) return static_cast<double>(whole >> 1);
  double number = 0;
  std::memcpy(&number, from->data(), sizeof(number));
  from->remove_prefix(sizeof(number));
  return number;
}

// Ids of neighbours differ by little, in either direction.
uint64_t Folded(int64_t number) {
  return number < 0 ? (static_cast<uint64_t>(-(number + 1)) << 1) | 1
                    : static_cast<uint64_t>(number) << 1;
}
int64_t Unfolded(uint64_t folded) {
  const auto half = static_cast<int64_t>(folded >> 1);
  return (folded & 1) == 0 ? half : -half - 1;
}

// What was added to a number that only grows, or that has begun anew.
double Grown(double last, double now) { return now < last ? now : now - last; }

}  // namespace

void MetricHistory::Begin() {
  TakeReading();
  thread_ = Thread("metric_history", [this] { Serve(); });
}

void MetricHistory::Stop() {
  {
    MutexLock lock(stop_mu_);
    stopping_ = true;
  }
  stop_.NotifyAll();
  thread_.Join();
}

void MetricHistory::Serve() {
  while (!StopsWithin(options_.interval)) TakeReading();
}

bool MetricHistory::StopsWithin(absl::Duration interval) {
  MutexLock lock(stop_mu_);
  if (!stopping_) stop_.WaitFor(lock, interval);
  return stopping_;
}

std::string MetricHistory::KeyOf(std::string_view family,
                                 const MetricValue& metric) {
  std::string key(family);
  for (const auto& [name, value] : metric.labels) {
    key.push_back('\0');  // No label has one.
    key += value;
  }
  return key;
}

MetricHistory::Numbers MetricHistory::NumbersOf(
    const MetricFamilyValue& family, const MetricValue& metric) {
  if (family.kind != MetricKind::kHistogram) {
    return {family.Counted(metric.number)};
  }
  const HistogramValue& histogram = metric.histogram;
  Numbers numbers;
  numbers.reserve(histogram.buckets.size() + 2);
  int64_t before = 0;
  for (const HistogramValue::Bucket& bucket : histogram.buckets) {
    numbers.push_back(static_cast<double>(bucket.count - before));
    before = bucket.count;
  }
  numbers.push_back(static_cast<double>(histogram.count - before));
  numbers.push_back(histogram.sum);
  return numbers;
}

void MetricHistory::SetNumbers(const MetricFamilyValue& family,
                               const Numbers& numbers, MetricValue* metric) {
  if (family.kind != MetricKind::kHistogram) {
    metric->number = family.Shown(numbers[0]);
    return;
  }
  HistogramValue& histogram = metric->histogram;
  int64_t count = 0;
  for (size_t i = 0; i < histogram.buckets.size(); ++i) {
    count += static_cast<int64_t>(numbers[i]);
    histogram.buckets[i].count = count;
  }
  histogram.count =
      count + static_cast<int64_t>(numbers[histogram.buckets.size()]);
  histogram.sum = numbers.back();
}

void MetricHistory::TakeReading() {
  MutexLock lock(mu_);
  const MetricsSnapshot snapshot = registry_.Read();
  Reading reading;
  reading.steady = clock_.SteadyTime();
  reading.time = snapshot.read_time;
  ++readings_taken_;
  uint32_t last_id = 0;
  for (const MetricFamilyValue& family : snapshot.families) {
    if (family.kind == MetricKind::kGauge) continue;
    for (const MetricValue& metric : family.metrics) {
      Record(KeyOf(family.name, metric), NumbersOf(family, metric),
             &last_id, &reading.changes);
    }
  }
  // How things stood at first is where counting begins.
  if (readings_.empty()) reading.changes.clear();
  reading.changes.shrink_to_fit();
  changes_bytes_ += reading.changes.size();
  const absl::Duration now = reading.steady;
  readings_.push_back(std::move(reading));
  Expire(now);
  CountBytes();
}

void MetricHistory::Record(const std::string& key, Numbers now,
                           uint32_t* last_id, std::string* changes) {
  const auto found = ids_.find(key);
  const uint32_t id = found != ids_.end() ? found->second : NewSeries(key);
  Series& series = series_[id];
  series.seen = readings_taken_;
  series.last.resize(now.size());
  size_t grown = 0;
  for (size_t i = 0; i < now.size(); ++i) {
    if (now[i] != series.last[i]) ++grown;
  }
  if (grown == 0) return;
  PutVarint(Folded(int64_t{id} - int64_t{*last_id}), changes);
  PutVarint(grown, changes);
  for (size_t i = 0; i < now.size(); ++i) {
    if (now[i] == series.last[i]) continue;
    PutVarint(i, changes);
    PutNumber(Grown(series.last[i], now[i]), changes);
  }
  *last_id = id;
  series.last = std::move(now);
}

uint32_t MetricHistory::NewSeries(const std::string& key) {
  uint32_t id = static_cast<uint32_t>(series_.size());
  if (free_ids_.empty()) {
    series_.emplace_back();
  } else {
    id = free_ids_.back();
    free_ids_.pop_back();
  }
  ids_.emplace(key, id);
  return id;
}

void MetricHistory::Expire(absl::Duration now) {
  while (readings_.size() > 1 &&
         (now - readings_[1].steady >= options_.length ||
          changes_bytes_ > options_.bytes_limit)) {
    readings_.pop_front();
    // Nobody asks for what was added before the first reading.
    Reading& first = readings_.front();
    changes_bytes_ -= first.changes.size();
    first.changes = std::string();
  }
  ForgetSeries();
}

void MetricHistory::ForgetSeries() {
  const int64_t first_kept =
      readings_taken_ - static_cast<int64_t>(readings_.size()) + 1;
  for (auto each = ids_.begin(); each != ids_.end();) {
    Series& series = series_[each->second];
    if (series.seen >= first_kept) {
      ++each;
      continue;
    }
    series = Series();
    free_ids_.push_back(each->second);
    ids_.erase(each++);
  }
}

void MetricHistory::CountBytes() {
  size_t bytes = changes_bytes_ + readings_.size() * sizeof(Reading) +
                 series_.capacity() * sizeof(Series) +
                 ids_.capacity() * sizeof(*ids_.begin());
  for (const auto& [key, id] : ids_) {
    bytes += key.capacity() + series_[id].last.capacity() * sizeof(double);
  }
  bytes_.store(static_cast<int64_t>(bytes), std::memory_order_relaxed);
}

std::vector<MetricHistory::Numbers> MetricHistory::SumBehind(
    size_t reading) const {
  std::vector<Numbers> sums(series_.size());
  for (size_t i = reading + 1; i < readings_.size(); ++i) {
    std::string_view left = readings_[i].changes;
    int64_t id = 0;
    while (!left.empty()) {
      id += Unfolded(TakeVarint(&left));
      Numbers& sum = sums[static_cast<size_t>(id)];
      sum.resize(series_[static_cast<size_t>(id)].last.size());
      for (uint64_t grown = TakeVarint(&left); grown > 0; --grown) {
        const uint64_t at = TakeVarint(&left);
        sum[at] += TakeNumber(&left);
      }
    }
  }
  return sums;
}

MetricHistory::Addition MetricHistory::Read(absl::Duration window) {
  MutexLock lock(mu_);
  Addition addition{.metrics = registry_.Read(), .since = {}};
  addition.since = addition.metrics.read_time;
  size_t base = 0;
  const absl::Duration oldest = clock_.SteadyTime() - window;
  while (base + 1 < readings_.size() && readings_[base + 1].steady <= oldest) {
    ++base;
  }
  if (!readings_.empty()) addition.since = readings_[base].time;
  const std::vector<Numbers> sums = SumBehind(base);
  for (MetricFamilyValue& family : addition.metrics.families) {
    if (family.kind == MetricKind::kGauge) continue;
    for (MetricValue& metric : family.metrics) {
      const auto found = ids_.find(KeyOf(family.name, metric));
      if (found == ids_.end()) continue;  // It began since the last reading.
      const Numbers& last = series_[found->second].last;
      const Numbers& sum = sums[found->second];
      Numbers numbers = NumbersOf(family, metric);
      for (size_t i = 0; i < numbers.size(); ++i) {
        numbers[i] = Grown(last[i], numbers[i]) + (sum.empty() ? 0 : sum[i]);
      }
      SetNumbers(family, numbers, &metric);
    }
  }
  return addition;
}

void AddMetricHistoryMetrics(const MetricHistory& history,
                             MetricRegistry& registry) {
  registry.AddSource(kHistoryBytes, {}, [&history] {
    return static_cast<double>(history.bytes());
  });
}

}  // namespace gateway
