// AwaitAll runs tasks side by side and returns what they yielded, in their
// order, when the last has ended.
//
//   std::vector<Task<absl::StatusOr<Answer>>> asked;
//   for (const Question& question : questions) asked.push_back(Ask(question));
//   const std::vector<absl::StatusOr<Answer>> answers =
//       co_await AwaitAll(std::move(asked));
//
// Thread contract: one event loop.

#ifndef BASE_ASYNC_AWAIT_ALL_H_
#define BASE_ASYNC_AWAIT_ALL_H_

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "base/async/event_loop.h"
#include "base/async/task.h"

namespace gateway {

namespace await_all_internal {

template <typename T>
struct Batch {
  std::vector<std::optional<T>> results;
  size_t left = 0;
  WakeUp done;
};

template <typename T>
Task<void> RunOne(Task<T> task, size_t index, Batch<T>& batch) {
  batch.results[index].emplace(co_await std::move(task));
  if (--batch.left == 0) batch.done.Set();
}

}  // namespace await_all_internal

template <typename T>
Task<std::vector<T>> AwaitAll(std::vector<Task<T>> tasks) {
  await_all_internal::Batch<T> batch;
  batch.left = tasks.size();
  batch.results.resize(tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i) {
    Spawn(await_all_internal::RunOne(std::move(tasks[i]), i, batch));
  }
  while (batch.left > 0) co_await batch.done.Wait();
  std::vector<T> results;
  results.reserve(batch.results.size());
  for (std::optional<T>& result : batch.results) {
    results.push_back(*std::move(result));
  }
  co_return results;
}

}  // namespace gateway

#endif  // BASE_ASYNC_AWAIT_ALL_H_
