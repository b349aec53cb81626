#include "service/postgres/postgres_record_store.h"

#include <utility>

#include "base/status_macros.h"

namespace gateway {
namespace {

// What an operation has returned, as one that is not a status itself.
template <typename T>
struct PostgresAnswer {
  absl::StatusOr<T> result;
};

// An answer of a database that works is none.
bool IsPostgresFailure(const absl::Status& outcome) {
  return !outcome.ok() && !absl::IsAborted(outcome) &&
         !absl::IsOutOfRange(outcome);
}

}  // namespace

PostgresRecordStore::PostgresRecordStore(PostgresDatabase database)
    : records_(std::move(database)),
      worker_({.name = "pg_records", .waiting_limit = kWaitingMax}) {}

void PostgresRecordStore::SetFails(const absl::Status& outcome) {
  fails_.store(IsPostgresFailure(outcome), std::memory_order_relaxed);
}

template <typename T, typename Work>
Task<absl::StatusOr<T>> PostgresRecordStore::Ask(Work work,
                                                 CancelSignal& cancel) {
  auto answer = [this, work = std::move(work)]() mutable {
    PostgresAnswer<T> made{.result = work(records_)};
    SetFails(made.result.status());
    return made;
  };
  absl::StatusOr<PostgresAnswer<T>> asked =
      co_await worker_.Run(std::move(answer), cancel);
  if (!asked.ok()) co_return asked.status();
  co_return std::move(asked->result);
}

Task<absl::StatusOr<std::optional<Record>>> PostgresRecordStore::Get(
    std::string_view collection, std::string_view key, CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  GATEWAY_CO_RETURN_IF_ERROR(CheckRecordKey(collection, key));
  auto get = [collection = std::string(collection),
              key = std::string(key)](PostgresRecords& records) {
    return records.Get(collection, key);
  };
  co_return co_await Ask<std::optional<Record>>(std::move(get), cancel);
}

Task<absl::StatusOr<int64_t>> PostgresRecordStore::Put(
    std::string_view collection, std::string_view key, std::string value,
    PutOptions options, CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  GATEWAY_CO_RETURN_IF_ERROR(CheckRecordKey(collection, key));
  GATEWAY_CO_RETURN_IF_ERROR(CheckRecordValue(collection, value));
  auto put = [collection = std::string(collection), key = std::string(key),
              value = std::move(value), expected = options.expected_version,
              expires = options.expire_time](PostgresRecords& records) {
    return records.Put(collection, key, value, expected, expires);
  };
  co_return co_await Ask<int64_t>(std::move(put), cancel);
}

Task<absl::StatusOr<bool>> PostgresRecordStore::Delete(
    std::string_view collection, std::string_view key, DeleteOptions options,
    CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  GATEWAY_CO_RETURN_IF_ERROR(CheckRecordKey(collection, key));
  auto remove = [collection = std::string(collection), key = std::string(key),
                 expected =
                     options.expected_version](PostgresRecords& records) {
    return records.Delete(collection, key, expected);
  };
  co_return co_await Ask<bool>(std::move(remove), cancel);
}

Task<absl::StatusOr<RecordPage>> PostgresRecordStore::List(
    std::string_view collection, std::string_view after, int limit,
    CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  GATEWAY_CO_RETURN_IF_ERROR(CheckCollection(collection));
  GATEWAY_CO_ASSIGN_OR_RETURN(const int page_limit, RecordPageLimit(limit));
  auto list = [collection = std::string(collection), after = std::string(after),
               page_limit](PostgresRecords& records) {
    return records.List(collection, after, page_limit);
  };
  co_return co_await Ask<RecordPage>(std::move(list), cancel);
}

Task<absl::StatusOr<int64_t>> PostgresRecordStore::Count(
    std::string_view collection, CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  GATEWAY_CO_RETURN_IF_ERROR(CheckCollection(collection));
  auto count = [collection =
                    std::string(collection)](PostgresRecords& records) {
    return records.Count(collection);
  };
  co_return co_await Ask<int64_t>(std::move(count), cancel);
}

Task<absl::StatusOr<RecordChanges>> PostgresRecordStore::ChangesSince(
    std::string_view collection, int64_t sequence, int limit,
    CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  GATEWAY_CO_RETURN_IF_ERROR(CheckCollection(collection));
  GATEWAY_CO_ASSIGN_OR_RETURN(const int page_limit, RecordPageLimit(limit));
  auto read = [collection = std::string(collection), sequence,
               page_limit](PostgresRecords& records) {
    return records.ChangesSince(collection, sequence, page_limit);
  };
  co_return co_await Ask<RecordChanges>(std::move(read), cancel);
}

}  // namespace gateway
