package dev.llmgateway;

import dev.llmgateway.v1.GatewayServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Makes calls again as all clients do, by the rules of gRPC's retry policy. gRPC for Java has one,
 * too, but takes any push-back for a wish to be called again, whatever the code: a call that is over
 * its budget would wait until the budget is whole again.
 */
final class RetryingCalls implements ClientInterceptor {
  private static final int ATTEMPTS_MAX = 3;
  private static final long BACKOFF_MS_FIRST = 200;
  private static final long BACKOFF_MS_MAX = 5000;
  // In thousandths of tokens, as gRPC counts them.
  private static final int TOKENS_MAX = 10_000;
  private static final int TOKENS_OF_FAILURE = 1000;
  private static final int TOKENS_OF_SUCCESS = 100;
  private static final Metadata.Key<String> PUSHBACK =
      Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> ATTEMPTS_BEFORE =
      Metadata.Key.of("grpc-previous-rpc-attempts", Metadata.ASCII_STRING_MARSHALLER);

  // Under half of them, most calls fail and nothing is tried again.
  private final AtomicInteger tokens = new AtomicInteger(TOKENS_MAX);

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

    RetryingCall(
        MethodDescriptor<Request, Response> method, CallOptions options, Channel next) {
      this.method = method;
      this.options = options;
      this.next = next;
    }

    @Override
    public synchronized void start(Listener<Response> to, Metadata with) {
      listener = to;
      headers = with;
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
      Listener<Response> told;
      synchronized (this) {
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
      told.onClose(
          Status.CANCELLED.withDescription(why).withCause(cause), new Metadata());
    }

    private synchronized void attempt() {
      if (ended) {
        return; // Cancelled in between.
      }
      Metadata sent = new Metadata();
      sent.merge(headers);
      if (attempts > 0) {
        sent.put(ATTEMPTS_BEFORE, Integer.toString(attempts));
      }
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
      String pushback = trailers.get(PUSHBACK);
      long pushbackMs = pushback == null ? 0 : parsed(pushback);
      boolean unavailable = status.getCode() == Status.Code.UNAVAILABLE;
      if (status.isOk()) {
        tokens.updateAndGet(now -> Math.min(now + TOKENS_OF_SUCCESS, TOKENS_MAX));
      }
      boolean mostCallsFail =
          (unavailable || pushbackMs < 0)
              && tokens.updateAndGet(now -> Math.max(now - TOKENS_OF_FAILURE, 0))
                  <= TOKENS_MAX / 2;
      if (!unavailable || pushbackMs < 0 || mostCallsFail || attempts >= ATTEMPTS_MAX) {
        return -1;
      }
      long delayMs = pushbackMs;
      if (pushback == null) {
        long backoffMs = Math.min(BACKOFF_MS_FIRST << (attempts - 1), BACKOFF_MS_MAX);
        delayMs = ThreadLocalRandom.current().nextLong(backoffMs + 1);
      }
      // The attempt after the deadline says that it has passed.
      for (Deadline deadline : new Deadline[] {options.getDeadline(), context.getDeadline()}) {
        if (deadline != null) {
          delayMs = Math.min(delayMs, Math.max(deadline.timeRemaining(TimeUnit.MILLISECONDS), 0));
        }
      }
      current = null;
      return delayMs;
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
          synchronized (RetryingCall.this) {
            ended = true;
          }
          listener.onClose(status, trailers);
          return;
        }
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
