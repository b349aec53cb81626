// BudgetRedisModel does what the function of redis_budget_functions.h does,
// without a Redis, so that a test decides what comes when.
//
// Thread-compatible.

#ifndef TESTS_SERVICE_BUDGETS_BUDGET_REDIS_MODEL_H_
#define TESTS_SERVICE_BUDGETS_BUDGET_REDIS_MODEL_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/budgets/budget_share.h"
#include "service/budgets/budget_telling.h"

namespace gateway {

class BudgetRedisModel {
 public:
  void Pass(absl::Duration time) { now_ += time; }
  void Flush() {
    latest_ = 0;
    replicas_.clear();
    told_.clear();
  }

  BudgetReply Exchange(const std::string& replica,
                       const BudgetMessage& message) {
    Replica& known = replicas_[replica];
    BudgetReply reply;
    reply.incarnation = message.incarnation;
    reply.last_sequence = known.sequence;
    if (message.incarnation == 0) {
      reply.incarnation = ++incarnations_;
      reply.last_sequence = 0;
    } else if (known.incarnation < message.incarnation) {
      if (known.incarnation == 0) replicas_.erase(replica);
      return {.outcome = BudgetReply::Outcome::kUnknown};
    } else if (known.incarnation > message.incarnation) {
      return {.outcome = BudgetReply::Outcome::kSuperseded};
    } else if (message.sequence <= known.sequence) {
      return {.outcome = BudgetReply::Outcome::kLate};
    }
    const bool is_new = message.incarnation == 0;
    const absl::Duration told_all =
        is_new ? absl::ZeroDuration() : known.told_all;
    known = {.incarnation = reply.incarnation,
             .sequence = message.sequence,
             .time = now_,
             .told_all = message.tells_all ? now_ : told_all};
    std::set<std::string> names;
    for (const BudgetTelling& telling : message.tellings) {
      const std::string name = NameOf(telling);
      names.insert(name);
      Tell(name, replica, telling);
    }
    reply.latest = reply.read = latest_;
    for (const auto& [name, told] : told_) {
      if (told.change > message.since) names.insert(name);
    }
    reply.time = now_;
    for (const auto& [name, each] : replicas_) {
      reply.replicas.push_back({.replica = name,
                                .silence = now_ - each.time,
                                .told_all = each.told_all});
    }
    for (const std::string& name : names) {
      std::string value = told_[name].header;
      for (const auto& [whose, body] : told_[name].lines) {
        absl::StrAppend(&value, "\n", whose, " ", body);
      }
      const absl::StatusOr<BudgetNews> news = ReadNews(value);
      EXPECT_TRUE(news.ok()) << news.status();
      if (news.ok()) reply.news.push_back(*news);
    }
    return reply;
  }

 private:
  struct Replica {
    int64_t incarnation = 0;
    int64_t sequence = 0;
    absl::Duration time;
    absl::Duration told_all;
  };
  struct Told {
    int64_t change = 0;
    std::string header;
    std::map<std::string, std::string> lines;
  };

  void Tell(const std::string& name, const std::string& replica,
            const BudgetTelling& telling) {
    const bool is_allocation = telling.allocation.has_value();
    const std::string whose = is_allocation ? std::string(kNoReplica) : replica;
    Told& told = told_[name];
    const std::string body = BodyOf(telling);
    if (is_allocation && body <= told.lines[whose]) return;
    told.change = ++latest_;
    told.header = HeaderOf(telling);
    told.lines[whose] = body;
  }

  absl::Duration now_ = absl::Hours(1);
  int64_t latest_ = 0;
  int64_t incarnations_ = 0;
  std::map<std::string, Replica> replicas_;
  std::map<std::string, Told> told_;
};

}  // namespace gateway

#endif  // TESTS_SERVICE_BUDGETS_BUDGET_REDIS_MODEL_H_
