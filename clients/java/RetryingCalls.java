package dev.llmgateway;

import dev.llmgateway.v1.GatewayServiceGrpc;
import dev.llmgateway.v1.GenerateRequest;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Makes calls again as all clients do. The gateway retries what its providers fail, so a client that
 * did it again would multiply the attempts. This one repeats only what the gateway has turned away
 * without asking a provider, and when the gateway says so; where nobody knows how far a call had
 * come, only calls that do nothing twice.
 */
final class RetryingCalls implements ClientInterceptor {
  static final int ATTEMPTS_MAX = 3;
  private static final long BACKOFF_MS_FIRST = 200;
  private static final long BACKOFF_MS_MAX = 5000;
  // A push-back that is longer is the caller's affair.
  private static final long WAIT_MS_MAX = 30_000;
  // In thousandths of tokens.
  private static final int TOKENS_MAX = 10_000;
  private static final int TOKENS_OF_FAILURE = 1000;
  private static final int TOKENS_OF_SUCCESS = 100;
  private static final Metadata.Key<String> PUSHBACK =
      Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);

  private static final Status CLOSED =
      Status.CANCELLED.withDescription("the client was closed");

  private enum Repetition {
    NEVER,
    IF_NOBODY_WAS_ASKED,
    ALWAYS
  }

  private static final Set<MethodDescriptor<?, ?>> REPEATABLE =
      Set.of(
          GatewayServiceGrpc.getCountTokensMethod(),
          GatewayServiceGrpc.getGetModelMethod(),
          GatewayServiceGrpc.getGetSessionMethod(),
          GatewayServiceGrpc.getListModelsMethod(),
          GatewayServiceGrpc.getListToolsMethod(),
          GatewayServiceGrpc.getResumeStreamMethod());
  // Another replica, or this one in a moment, may serve it.
  private static final Set<String> LATER =
      Set.of(
          "CONCURRENCY_LIMITED",
          "CONTEXT_SERVICE_UNAVAILABLE",
          "DRAINING",
          "IDENTITY_UNAVAILABLE",
          "OVERLOADED");
  // The same, but only the gateway knows when.
  private static final Set<String> WHEN_TOLD =
      Set.of("CIRCUIT_OPEN", "RATE_LIMITED", "STORE_UNAVAILABLE");
  // A provider may have been asked before it was found out.
  private static final Set<String> PERHAPS_DONE = Set.of("LEDGER_UNAVAILABLE");

  private final int attemptsMax;
  // While half of them or fewer are left, most calls fail and nothing is tried again.
  private final AtomicInteger tokens = new AtomicInteger(TOKENS_MAX);

  private final Set<RetryingCall<?, ?>> waiting = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  RetryingCalls(int attemptsMax) {
    this.attemptsMax = attemptsMax;
  }

  /**
   * Ends the calls that wait for their next attempt. Those that are under way are about to fail,
   * and those that begin from now on fail at once: they are cancelled.
   */
  void close() {
    closed = true;
    waiting.forEach(RetryingCall::cancelIfClosed);
  }

  private static Repetition repetitionOf(MethodDescriptor<?, ?> method, Object request) {
    if (REPEATABLE.contains(method)) {
      return Repetition.ALWAYS;
    }
    if (method.equals(GatewayServiceGrpc.getExecuteToolMethod())) {
      return Repetition.NEVER; // A tool may have done something.
    }
    return request instanceof GenerateRequest
            && !((GenerateRequest) request).getIdempotencyKey().isEmpty()
        ? Repetition.ALWAYS // The gateway knows it again.
        : Repetition.IF_NOBODY_WAS_ASKED;
  }

  private static boolean mayBeRepeated(
      LLMGatewayException failure, boolean isTold, Repetition how) {
    if (LATER.contains(failure.reason())) {
      return how != Repetition.NEVER;
    }
    if (WHEN_TOLD.contains(failure.reason())) {
      return how != Repetition.NEVER && isTold;
    }
    if (PERHAPS_DONE.contains(failure.reason())) {
      return how == Repetition.ALWAYS;
    }
    // Nobody answered, or not to the end.
    return failure.reason().isEmpty()
        && failure.code() == Status.Code.UNAVAILABLE
        && how == Repetition.ALWAYS;
  }

  // Returns whether there may be a retry.
  private boolean spendToken() {
    return tokens.updateAndGet(now -> Math.max(now - TOKENS_OF_FAILURE, 0)) > TOKENS_MAX / 2;
  }

  @Override
  public <Request, Response> ClientCall<Request, Response> interceptCall(
      MethodDescriptor<Request, Response> method, CallOptions options, Channel next) {
    if (!GatewayServiceGrpc.SERVICE_NAME.equals(method.getServiceName())) {
      return next.newCall(method, options);
    }
    return new RetryingCall<>(method, options, next);
  }

  /** A call with one request, as all of GatewayService are. */
  private final class RetryingCall<Request, Response> extends ClientCall<Request, Response> {
    private final MethodDescriptor<Request, Response> method;
    private final CallOptions options;
    private final Channel next;
    private final Context context = Context.current();

    // Guarded by this.
    private Listener<Response> listener;
    private Metadata headers;
    private Request message;
    private boolean halfClosed;
    private int requested;
    private int attempts;
    private ClientCall<Request, Response> current; // Null between attempts.
    private boolean ended;
    private Status cancelled; // Null until it is.

    RetryingCall(
        MethodDescriptor<Request, Response> method, CallOptions options, Channel next) {
      this.method = method;
      this.options = options;
      this.next = next;
    }

    @Override
    public void start(Listener<Response> to, Metadata with) {
      synchronized (this) {
        listener = to;
        headers = with;
      }
      attempt();
    }

    @Override
    public synchronized void request(int count) {
      requested += count;
      if (current != null) {
        current.request(count);
      }
    }

    @Override
    public synchronized void sendMessage(Request request) {
      message = request;
      if (current != null) {
        current.sendMessage(request);
      }
    }

    @Override
    public synchronized void halfClose() {
      halfClosed = true;
      if (current != null) {
        current.halfClose();
      }
    }

    @Override
    public void cancel(String why, Throwable cause) {
      Status status = Status.CANCELLED.withDescription(why).withCause(cause);
      Listener<Response> told;
      synchronized (this) {
        cancelled = status;
        if (current != null) {
          current.cancel(why, cause);
          return;
        }
        if (ended || listener == null) {
          return;
        }
        ended = true;
        told = listener;
      }
      told.onClose(status, new Metadata());
    }

    private void attempt() {
      waiting.remove(this);
      // What is shut down need not say so.
      cancelIfClosed();
      begin();
    }

    private void cancelIfClosed() {
      if (closed) {
        cancel(CLOSED.getDescription(), null);
      }
    }

    private synchronized void begin() {
      if (ended) {
        return; // Cancelled in between.
      }
      Metadata sent = new Metadata();
      sent.merge(headers);
      ++attempts;
      current = next.newCall(method, options);
      current.start(new Attempt(), sent);
      if (requested > 0) {
        current.request(requested);
      }
      if (message != null) {
        current.sendMessage(message);
      }
      if (halfClosed) {
        current.halfClose();
      }
    }

    // Returns in how many milliseconds to try again; -1 if not.
    private synchronized long retryDelayMs(Status status, Metadata trailers) {
      if (status.isOk()) {
        tokens.updateAndGet(now -> Math.min(now + TOKENS_OF_SUCCESS, TOKENS_MAX));
        return -1;
      }
      if (cancelled != null || closed) {
        return -1; // The attempt may have ended by itself, and heard nothing of it.
      }
      String pushback = trailers.get(PUSHBACK);
      if (attempts >= attemptsMax
          || !mayBeRepeated(
              LLMGatewayException.of(status, trailers),
              pushback != null,
              repetitionOf(method, message))) {
        return -1;
      }
      long delayMs;
      if (pushback == null) {
        long most = Math.min(BACKOFF_MS_FIRST << Math.min(attempts - 1, 10), BACKOFF_MS_MAX);
        delayMs = ThreadLocalRandom.current().nextLong(most / 2, most + 1);
      } else {
        delayMs = parsed(pushback);
      }
      if (delayMs < 0 || delayMs > WAIT_MS_MAX) {
        return -1;
      }
      for (Deadline deadline : new Deadline[] {options.getDeadline(), context.getDeadline()}) {
        if (deadline != null && deadline.timeRemaining(TimeUnit.MILLISECONDS) <= delayMs) {
          return -1;
        }
      }
      if (!spendToken()) {
        return -1;
      }
      current = null;
      return delayMs;
    }

    // Returns what the call has come to.
    private synchronized Status end(Status status) {
      ended = true;
      if (status.isOk()) {
        return status;
      }
      if (cancelled != null) {
        return cancelled;
      }
      // A channel that is shut down says that nobody is there.
      return closed && status.getCode() == Status.Code.UNAVAILABLE
          ? CLOSED
          : status;
    }

    private final class Attempt extends Listener<Response> {
      private boolean committed; // Something of an answer has come.

      @Override
      public void onHeaders(Metadata answered) {
        committed = true;
        listener.onHeaders(answered);
      }

      @Override
      public void onMessage(Response response) {
        committed = true;
        listener.onMessage(response);
      }

      @Override
      public void onReady() {
        listener.onReady();
      }

      @Override
      public void onClose(Status status, Metadata trailers) {
        long delayMs = committed && !status.isOk() ? -1 : retryDelayMs(status, trailers);
        if (delayMs < 0) {
          listener.onClose(end(status), trailers);
          return;
        }
        waiting.add(RetryingCall.this);
        cancelIfClosed(); // Perhaps before it was among them.
        CompletableFuture.delayedExecutor(delayMs, TimeUnit.MILLISECONDS)
            .execute(context.wrap(RetryingCall.this::attempt));
      }
    }
  }

  // What is no number forbids to try again, as a negative one does.
  private static long parsed(String pushback) {
    try {
      return Long.parseLong(pushback);
    } catch (NumberFormatException malformed) {
      return -1;
    }
  }
}
