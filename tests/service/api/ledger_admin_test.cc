#include "service/api/ledger_admin.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/ledger.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/ledger/entry.h"
#include "service/store/sqlite_connection.h"
#include "tests/service/api/scripted_streams.h"
#include "tests/service/ledger/generated_ledger.h"
#include "tests/service/store/temporary_folder.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

// The rpcs of some ledger, or of none.
class LedgerRpcs {
 public:
  explicit LedgerRpcs(const LedgerAdmin::Sources& sources) : admin_(sources) {
    admin_.AddTo(table_);
    EXPECT_TRUE(table_.status().ok()) << table_.status();
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(const std::string& method,
                               const Request& request) {
    CallContext call(runner_.loop(), {.peer = "127.0.0.1:1"});
    Response response;
    HandlerArguments arguments;
    arguments.request = &request;
    arguments.response = &response;
    const absl::Status status = runner_.Run(Find(method).Run(call, arguments));
    if (!status.ok()) return status;
    return response;
  }
  template <typename Response, typename Request>
  absl::StatusOr<std::vector<Response>> Stream(const std::string& method,
                                               const Request& request) {
    CallContext call(runner_.loop(), {.peer = "127.0.0.1:1"});
    KeepingWriter<Response> writer;
    HandlerArguments arguments;
    arguments.request = &request;
    arguments.writer = &writer;
    const absl::Status status = runner_.Run(Find(method).Run(call, arguments));
    if (!status.ok()) return status;
    return writer.written();
  }

 private:
  const Method& Find(const std::string& method) {
    return *table_.Find("/llmgateway.v1.AdminService/" + method);
  }

  LoopRunner runner_;
  LedgerAdmin admin_;
  MethodTable table_;
};

class LedgerAdminTest : public testing::Test {
 protected:
  LedgerAdminTest() {
    log_ = *LedgerLog::Open({.path = path_, .sync = SqliteSync::kNormal});
    EXPECT_TRUE(AppendCalls(*log_, {.calls = 500}).ok());
    index_ = std::make_unique<LedgerIndex>(
        *log_, LedgerIndex::Options{.ledger_path = path_});
    EXPECT_TRUE(index_->CatchUp(absl::Seconds(30)));
    chains_.Add("", *log_, *index_);
    rpcs_ =
        std::make_unique<LedgerRpcs>(LedgerAdmin::Sources{.chains = &chains_});
  }
  absl::StatusOr<v1::QueryLedgerResponse> Query(
      const v1::QueryLedgerRequest& request) {
    return rpcs_->Ask<v1::QueryLedgerResponse>("QueryLedger", request);
  }
  absl::StatusOr<v1::LedgerEntry> Get(const std::string& id) {
    v1::GetLedgerEntryRequest request;
    request.set_id(id);
    return rpcs_->Ask<v1::LedgerEntry>("GetLedgerEntry", request);
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.Path("ledger.db");
  std::unique_ptr<LedgerLog> log_;
  std::unique_ptr<LedgerIndex> index_;
  LedgerChains chains_;
  std::unique_ptr<LedgerRpcs> rpcs_;
};

TEST_F(LedgerAdminTest, EntriesAreQueriedPageByPage) {
  v1::QueryLedgerRequest request;
  request.mutable_filter()->set_decision("ERROR");
  request.set_newest_first(true);
  request.set_page_size(20);
  std::vector<std::string> ids;
  do {
    const auto page = Query(request);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_EQ(page->indexed_entries(), 1'000);
    for (const v1::LedgerEntry& entry : page->entries()) {
      ids.push_back(entry.id());
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  ASSERT_EQ(ids.size(), 50);
  EXPECT_EQ(ids.front(), ExchangeIdOf(499));
  EXPECT_EQ(ids.back(), ExchangeIdOf(9));
}

TEST_F(LedgerAdminTest, WhatCannotBeAskedIsRefused) {
  v1::QueryLedgerRequest request;
  request.set_page_size(-1);
  EXPECT_TRUE(absl::IsInvalidArgument(Query(request).status()));
  request.set_page_size(0);
  request.set_page_token("none");
  EXPECT_TRUE(absl::IsInvalidArgument(Query(request).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Get("").status()));
  v1::VerifyLedgerRequest verify;
  for (const int64_t after : {-1, 1'001}) {
    verify.set_after_entry(after);
    const auto told =
        rpcs_->Stream<v1::VerifyLedgerResponse>("VerifyLedger", verify);
    EXPECT_TRUE(absl::IsInvalidArgument(told.status())) << after;
    EXPECT_THAT(told.status().ToString(), HasSubstr("after_entry"));
  }
}

TEST_F(LedgerAdminTest, NamesThatAreNotThereAreRefused) {
  v1::QueryLedgerRequest request;
  request.mutable_filter()->add_event_types("EXCHANGE");
  request.mutable_filter()->add_event_types("EXCHNAGE");
  EXPECT_THAT(Query(request).status().ToString(),
              HasSubstr("filter.event_types: has 'EXCHNAGE', which no entry "
                        "has; there are DISPATCH, EXCHANGE, "));
  v1::ExportLedgerRequest exported;
  exported.mutable_filter()->set_decision("OK");
  EXPECT_THAT(
      rpcs_->Stream<v1::ExportLedgerResponse>("ExportLedger", exported)
          .status()
          .ToString(),
      HasSubstr("filter.decision: has 'OK', which no entry has; there are "
                "DISPATCHED, "));
  // What is written, and of no entry yet; and what was taken over.
  request.mutable_filter()->clear_event_types();
  request.mutable_filter()->add_event_types("BUDGET_RESET");
  EXPECT_TRUE(Query(request).ok());
  LedgerEntry old;
  old.id = "LED-old";
  old.event_type = "GENESIS";
  old.decision = "CHAIN_INITIALIZED";
  const UnchainedEntry entry(old);
  ASSERT_TRUE(log_->Append({&entry}, absl::UnixEpoch()).ok());
  request.mutable_filter()->add_event_types("GENESIS");
  request.mutable_filter()->set_decision("CHAIN_INITIALIZED");
  const auto page = Query(request);
  ASSERT_TRUE(page.ok()) << page.status();
}

TEST_F(LedgerAdminTest, AnEntryIsThereAsSoonAsItIsWritten) {
  EXPECT_EQ(Get(DispatchIdOf(123))->number(), 247);
  EXPECT_EQ(FaultReason(Get(DispatchIdOf(500)).status()),
            v1::ERROR_REASON_NOT_FOUND);
  ASSERT_TRUE(AppendCalls(*log_, {.calls = 1, .first_call = 500}).ok());
  const auto entry = Get(DispatchIdOf(500));
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_EQ(entry->number(), 1'001);
  EXPECT_THAT(entry->json(), HasSubstr(DispatchIdOf(500)));
}

TEST_F(LedgerAdminTest, TheLedgerIsVerifiedAndExported) {
  const auto told = rpcs_->Stream<v1::VerifyLedgerResponse>(
      "VerifyLedger", v1::VerifyLedgerRequest());
  ASSERT_TRUE(told.ok()) << told.status();
  ASSERT_GE(told->size(), 2);
  EXPECT_EQ(told->front().total_entries(), 1'000);
  EXPECT_FALSE(told->front().done());
  EXPECT_TRUE(told->back().valid());
  EXPECT_EQ(told->back().last_hash(), log_->end().hash);
  v1::ExportLedgerRequest request;
  request.mutable_filter()->set_session_id("SES-7");
  const auto pieces =
      rpcs_->Stream<v1::ExportLedgerResponse>("ExportLedger", request);
  ASSERT_TRUE(pieces.ok()) << pieces.status();
  ASSERT_EQ(pieces->size(), 1);
  EXPECT_EQ(pieces->front().entries(), 20);
}

TEST_F(LedgerAdminTest, WhatIsFoundBrokenIsToldToWhoWatchesOverIt) {
  int64_t told_entry = 0;
  chains_.set_tell_broken([&](int64_t entry) { told_entry = entry; });
  {
    auto db = SqliteConnection::Open(
        path_, SqliteConnection::Access::kReadWrite, absl::Seconds(5));
    ASSERT_TRUE(db.ok()) << db.status();
    ASSERT_TRUE((*db)
                    ->Execute("UPDATE commits SET texts = CAST(replace(CAST("
                              "texts AS TEXT), 'EXCHANGE', 'exchange') AS "
                              "BLOB) WHERE number = 2")
                    .ok());
  }
  const auto told = rpcs_->Stream<v1::VerifyLedgerResponse>(
      "VerifyLedger", v1::VerifyLedgerRequest());
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_FALSE(told->back().valid());
  EXPECT_GT(told_entry, 0);
  EXPECT_EQ(told_entry, told->back().broken_entry());
}

TEST_F(LedgerAdminTest, AFileThatWasRemovedIsNotValid) {
  std::filesystem::remove(path_);
  const auto told = rpcs_->Stream<v1::VerifyLedgerResponse>(
      "VerifyLedger", v1::VerifyLedgerRequest());
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_FALSE(told->back().valid());
  EXPECT_THAT(told->back().problem(), HasSubstr("was removed or replaced"));
}

TEST_F(LedgerAdminTest, AChainThatIsNotThereIsRefused) {
  v1::VerifyLedgerRequest request;
  request.set_chain("7");
  const auto told =
      rpcs_->Stream<v1::VerifyLedgerResponse>("VerifyLedger", request);
  EXPECT_THAT(told.status().ToString(),
              HasSubstr("chain: there is none of this name"));
}

TEST_F(LedgerAdminTest, AnIndexThatCannotBeUsedIsTold) {
  ASSERT_TRUE(LedgerLog::Open({.path = folder_.Path("other.index")}).ok());
  LedgerIndex index(*log_, {.ledger_path = folder_.Path("other")});
  EXPECT_FALSE(index.CatchUp(absl::Seconds(30)));
  LedgerChains chains;
  chains.Add("", *log_, index);
  LedgerRpcs rpcs({.chains = &chains});
  const auto page = rpcs.Ask<v1::QueryLedgerResponse>("QueryLedger",
                                                      v1::QueryLedgerRequest());
  EXPECT_EQ(FaultReason(page.status()), v1::ERROR_REASON_LEDGER_UNAVAILABLE);
  EXPECT_THAT(page.status().ToString(), HasSubstr("give another path"));
}

TEST(LedgerAdminWithoutLedgerTest, NothingIsConfigured) {
  LedgerRpcs rpcs({});
  for (const absl::Status& status :
       {rpcs.Ask<v1::QueryLedgerResponse>("QueryLedger",
                                          v1::QueryLedgerRequest())
            .status(),
        rpcs.Ask<v1::LedgerEntry>("GetLedgerEntry", v1::GetLedgerEntryRequest())
            .status(),
        rpcs.Stream<v1::VerifyLedgerResponse>("VerifyLedger",
                                              v1::VerifyLedgerRequest())
            .status(),
        rpcs.Stream<v1::ExportLedgerResponse>("ExportLedger",
                                              v1::ExportLedgerRequest())
            .status()}) {
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_NOT_CONFIGURED);
    EXPECT_TRUE(absl::IsFailedPrecondition(status));
  }
}

}  // namespace
}  // namespace gateway
