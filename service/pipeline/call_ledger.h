// CallLedger is what the ledger has of one call: an entry before each attempt
// goes to its provider, one of how each went before the caller hears the end,
// or one of why nobody was asked. Each is on the disk when what it says may
// happen.
//
//   call.ledger = CallLedger::Of(call);            // Null without a ledger.
//   if (ledger.HashesFirst(call)) co_await ledger.HashFirst(call);
//   GATEWAY_CO_RETURN_IF_ERROR(
//       co_await CallLedger::Dispatching(*call.ledger, call, attempt));
//   ... the attempt is sent, and ends ...
//   outcome = co_await call.ledger->Finish(call, std::move(outcome));
//   ... the caller is told the end ...
//
// While the ledger cannot be written, `ledger.on_failure` says what becomes of
// calls: with `reject` Dispatch fails, and nothing is sent; and so does Finish,
// whose entries are kept and written later, since what they say has happened.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_CALL_LEDGER_H_
#define SERVICE_PIPELINE_CALL_LEDGER_H_

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/memory/recycler.h"
#include "base/memory/stable_list.h"
#include "base/text/short_text.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "service/ledger/entry.h"
#include "service/ledger/ledger_writer.h"
#include "service/pipeline/answer_folding.h"
#include "service/pipeline/forwarded_text.h"
#include "service/tracing/call_trace.h"

namespace gateway {

class Call;
class IncomingCall;
class PlannedCall;
struct Attempt;

// Tells the call's trace how long it waits for a commit, by turns of its loop,
// as its attempts are told. Does nothing for one that has none.
class CommitSpan {
 public:
  CommitSpan(const IncomingCall& call, std::string_view event_type,
             size_t entries);
  void End(const absl::Status& committed);

 private:
  CallTrace* const trace_;
  const EventLoop& loop_;
  TracedCommit traced_;
};

// The metadata of a refusal's ErrorInfo that names its entry.
inline constexpr std::string_view kLedgerEntryKey = "ledger_entry_id";
// And of a failure that a provider had part in: the entries of that.
inline constexpr std::string_view kDispatchEntryKey = "dispatch_entry_id";
inline constexpr std::string_view kExchangeEntryKey = "exchange_entry_id";
// The metadata of LEDGER_UNAVAILABLE where a provider has answered the call.
inline constexpr std::string_view kAnsweredKey = "answered";

// Whether the call failed although a provider has answered it, so that to make
// it again would be billed again.
bool WasAnswered(const absl::Status& failure);

class CallLedger : public Recycled {
 public:
  // Null if there is no ledger.
  static std::unique_ptr<CallLedger> Of(IncomingCall& call);

  explicit CallLedger(IncomingCall& call);
  CallLedger(const CallLedger&) = delete;
  CallLedger& operator=(const CallLedger&) = delete;

  // Whether the prompt's hash, which the entry has, cannot be left to the
  // ledger's thread; and makes it. For a long prompt that takes its time.
  bool HashesFirst(const PlannedCall& call) const;
  Task<void> HashFirst(const PlannedCall& call);

  // Writes down that an attempt is about to be sent.
  class Dispatching;

  // Takes what the stream says, if texts are recorded: of bytes that are
  // forwarded it is read beside them. For OffLoop, that is as much work as to
  // read so many bytes; 0 if there is next to none.
  void Add(const IncomingCall& call, const StreamBatch& batch);
  size_t BytesToRead(const StreamBatch& batch) const;
  // How much of the stream is held for its text.
  size_t held_text_bytes() const {
    return texts_ == nullptr
               ? 0
               : static_cast<size_t>(texts_->streamed.size_bytes());
  }
  // There is no room for the text: the entry has none.
  void GiveUpText();

  // Takes how the attempts went that were sent, and are over: before Finish,
  // only where the call is about to forget them.
  void Close(const Call& call);

  // Writes down how the call went, before its caller hears that. Returns what
  // he hears: `outcome`, with the entries of a failure named, or
  // LEDGER_UNAVAILABLE. A refusal beyond as many a second as
  // call.ledger_refusals lets its caller have has no entry; the next that has
  // one says so.
  Task<absl::Status> Finish(Call& call, absl::Status outcome);

  // The end of a stream whose bytes are forwarded, which waits for Finish.
  std::string held_end;

  // The id of the entry that the call has of its own where nobody is asked: of
  // its refusal, or of the reuse of an answer, which Finish writes.
  const std::string& OwnEntryId(const IncomingCall& call);

  // Of the prompt, in hexadecimal; empty before it is hashed, at latest with
  // the first dispatch.
  const std::string& context_hash() const { return context_hash_; }
  // Of the attempt; null if it was not dispatched.
  struct RoundTrip {
    // Said here, since Clang knows no default of a nested class before the end
    // of this one.
    RoundTrip();

    const Attempt* attempt = nullptr;
    absl::Time dispatch_time;
    // Given as the dispatch is written: empty before, and of one that was
    // refused and is not in the ledger.
    ShortText dispatch_id;
    ShortText exchange_id;
    bool withdrawn = false;  // The dispatch could not be written.
    bool closed = false;
  };
  const RoundTrip* Find(const Attempt* attempt) const;
  // The one that an answer to the call names: of the attempt that decided how
  // the call went or, of a count that was estimated, of the one that could not
  // count. Null if nobody was asked.
  const RoundTrip* FindTold(const Call& call) const;

 private:
  // What is recorded of an answer.
  struct Texts {
    AnswerFolding streamed;
    std::optional<ForwardedText> forwarded_stream;  // What reads that.
    std::string forwarded;                          // Of a whole answer.
    bool gave_up = false;
  };

  void HashPrompt(const IncomingCall& call);
  // What the entry is made of. What it reads of the call is what nobody changes
  // while it waits for its commit.
  class ExchangeSource;

  // Whether a dispatch that was refused may be in the ledger: the entry of the
  // refusal withdraws it.
  bool HasDoubtfulDispatch() const;
  // Whether the refusal has an entry. If so, sets `others` to how many before
  // it have none, for which it stands.
  bool IsRecorded(const Call& call, int64_t* others) const;
  UnchainedEntry RejectionEntry(const Call& call, const absl::Status& refusal,
                                std::string_view id, int64_t others);
  UnchainedEntry ReuseEntry(const Call& call);
  // What the call's budgets were charged, and which let it pass beyond them.
  void AddBudgetEntries(const Call& call);
  // Whether an entry of what the call's budgets are charged is still to be
  // written, by the ledger's thread. Where others stand before it, all are made
  // here, in their order.
  bool EndsWithDebit(const Call& call, bool was_asked);
  // Has a failure name the entries of the attempt that decided it.
  void NameRoundTrip(const Call& call, absl::Status& failure) const;
  // Reads the text of a whole answer whose bytes are forwarded.
  Task<void> ReadForwarded(const Call& call);
  // The text of the answer, if texts are recorded; empty if it could not be
  // read. What was streamed or forwarded is given away by it.
  std::string ResponseText(const Attempt& attempt);

  LedgerWriter& writer_;
  const bool degrades_;
  std::string context_hash_;
  std::string own_entry_id_;            // Empty before anybody asks for it.
  std::string prompt_;                  // If texts are recorded.
  std::unique_ptr<Texts> texts_;        // Null if they are not recorded.
  StableList<RoundTrip> trips_;
  std::vector<UnchainedEntry> closed_;  // To be committed.
};

// Awaits the entry that an attempt is about to be sent; yields an absl::Status.
// LEDGER_UNAVAILABLE: it must not be. Takes as long as a commit, and is not
// cancelled. No coroutine of its own, since each attempt waits for one.
class [[nodiscard]] CallLedger::Dispatching {
 public:
  // Borrows all. REQUIRES: !HashesFirst(call).
  Dispatching(CallLedger& ledger, const PlannedCall& call,
              const Attempt& attempt);
  Dispatching(const Dispatching&) = delete;
  Dispatching& operator=(const Dispatching&) = delete;

  bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<> handle) {
    return committing_.await_suspend(handle);
  }
  absl::Status await_resume();

 private:
  // As ExchangeSource.
  class Source final : public EntrySource {
   public:
    // Gives the trip its ids. `turns` are what budgets count for it.
    Source(const PlannedCall& call, RoundTrip& trip,
           std::string_view context_hash, int64_t turns);

    size_t bytes() const override;
    UnchainedEntry Write() const override;

    // Of the prompt; where that is hashed late, once it is written.
    std::string TakeContextHash() { return std::move(context_hash_); }

   private:
    // What budgets are charged if nobody will know.
    void AddReservation(const llmgateway::v1::Usage& estimate,
                        std::string* note) const;

    const PlannedCall& call_;
    RoundTrip& trip_;
    mutable std::string context_hash_;
    const int64_t turns_;
  };

  CallLedger& ledger_;
  RoundTrip& trip_;
  Source source_;
  const EntrySource* const sources_[1];
  CommitSpan span_;
  LedgerWriter::Committing committing_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CALL_LEDGER_H_
